"""Patches through several layers against a loop over patches, each of which sees nothing but its pixels."""

import jax
import numpy as np
import pytest

from mmjax.nn.mlp_stem import MlpStem
from tests import reference

X = np.random.default_rng(0).normal(size=(2, 8, 12, 3)).astype(np.float32)
STEM = MlpStem(widths=(5,), dim=6, sides=(2, 2))


@pytest.fixture(scope="module")
def params():
    return reference.parameters(STEM, X)


@pytest.fixture(scope="module")
def run(params):
    return reference.compiled(lambda x: STEM.apply({"params": params}, x))


def test_a_token_is_made_of_its_patch_layer_by_layer(params, run):
    def inner(patch):
        """[2, 2, 3] to [5]."""
        x = patch.reshape(-1) @ params["join_0"]["kernel"]
        return reference.gelu_tanh(reference.layer_norm(x, params["norm_0"]))

    found = run(X)
    for b, i, j in np.ndindex(found.shape[:3]):
        patch = X[b, 4 * i : 4 * i + 4, 4 * j : 4 * j + 4]
        parts = [inner(patch[p : p + 2, q : q + 2]) for p in (0, 2) for q in (0, 2)]
        wanted = np.concatenate(parts) @ params["project"]["kernel"] + params["project"]["bias"]
        np.testing.assert_allclose(found[b, i, j], wanted, atol=1e-4)


def test_no_token_sees_beyond_its_patch(run):
    other = X.copy()
    other[:, :4, 4:8] += 1
    changed = np.abs(run(other) - run(X)).max(axis=(0, 3)) > 0
    assert changed.tolist() == [[False, True, False], [False, False, False]]


def test_what_does_not_divide_is_told():
    with pytest.raises(ValueError, match="a grid of 3 x 6 does not divide into patches of 2 x 2"):
        jax.eval_shape(lambda: STEM.init(jax.random.key(0), X[:, :6]))
    with pytest.raises(ValueError, match=r"widths are \(5, 5\), dim is 6 and sides are \(2, 2\); expected a width"):
        MlpStem(widths=(5, 5), dim=6, sides=(2, 2))
