"""The mean of patches and its norm against a loop."""

import jax
import numpy as np
import pytest

from mmjax.core.tokens import Tokens
from mmjax.nn.patch_pooler import PatchPooler
from tests import reference

MASK = np.array([[1, 1, 1, 1], [1, 1, 0, 1], [0, 0, 0, 0]], bool)
X = np.random.default_rng(0).normal(size=(3, 4, 6)).astype(np.float32)


def test_it_is_the_norm_of_the_mean_of_real_patches_without_the_class_token():
    dirty = Tokens.of(np.where(MASK[..., None], X, np.nan), MASK)
    params = {"norm": {name: np.random.default_rng(1).normal(size=6).astype(np.float32) for name in ("scale", "bias")}}
    found = PatchPooler().apply({"params": params}, dirty, train=False)
    np.testing.assert_array_equal(found.mask, [[True], [True], [False]])
    for b in range(2):
        patches = [X[b, i] for i in range(1, 4) if MASK[b, i]]
        expected = reference.layer_norm(sum(patches) / len(patches), params["norm"], 1e-5)
        np.testing.assert_allclose(found.x[b, 0], expected, atol=1e-5)
    assert np.isfinite(found.x).all()


def test_a_class_token_alone_is_told():
    with pytest.raises(ValueError, match="leaves out the first token, and there is no other one"):
        PatchPooler().init(jax.random.key(0), Tokens.of(X[:, :1], MASK[:, :1]), train=False)
