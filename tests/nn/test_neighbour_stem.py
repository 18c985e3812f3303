"""Layers over neighbours against a loop over places, and which pixels a token sees."""

import jax
import numpy as np
import pytest

from mmjax.nn.neighbour_stem import NeighbourStem
from tests import reference

X = np.random.default_rng(0).normal(size=(2, 6, 10, 3)).astype(np.float32)
STEM = NeighbourStem(widths=(5,), dim=4, side=2)


@pytest.fixture(scope="module")
def params():
    return reference.parameters(STEM, X)


@pytest.fixture(scope="module")
def run(params):
    return reference.compiled(lambda x: STEM.apply({"params": params}, x))


def around(grid, i, j):
    """[9 D]: what stands above, beside and below (i, j), zeros beyond the grid."""
    rows, columns, width = grid.shape
    inside = [
        grid[i + p, j + q] if 0 <= i + p < rows and 0 <= j + q < columns else np.zeros(width)
        for p in (-1, 0, 1)
        for q in (-1, 0, 1)
    ]
    return np.concatenate(inside)


def test_a_token_is_made_of_its_neighbours_layer_by_layer(params, run):
    last = params["project"]
    for picture, found in zip(X, run(X), strict=True):
        grid = np.zeros((3, 5, 12))
        for i, j in np.ndindex(3, 5):
            grid[i, j] = picture[2 * i : 2 * i + 2, 2 * j : 2 * j + 2].reshape(-1)
        inner = np.zeros((3, 5, 5))
        for i, j in np.ndindex(3, 5):
            x = around(grid, i, j) @ params["conv_0"]["kernel"].reshape(9 * 12, 5)
            inner[i, j] = reference.gelu_tanh(reference.layer_norm(x, params["norm_0"]))
        for i, j in np.ndindex(3, 5):
            wanted = around(inner, i, j) @ last["kernel"].reshape(9 * 5, 4) + last["bias"]
            np.testing.assert_allclose(found[i, j], wanted, atol=1e-4)


def test_each_layer_sees_a_patch_more_on_every_side(run):
    other = X.copy()
    other[:, :2, :2] += 1
    changed = np.abs(run(other) - run(X)).max(axis=(0, 3)) > 0
    assert changed.tolist() == [[True, True, True, False, False]] * 3


def test_what_it_cannot_take_is_told():
    with pytest.raises(ValueError, match="a picture of 6 x 9 does not divide into patches of side 2"):
        jax.eval_shape(lambda: STEM.init(jax.random.key(0), X[:, :, :9]))
    with pytest.raises(ValueError, match=r"widths are \(0,\); expected each to be 1 or more"):
        NeighbourStem(widths=(0,), dim=4)
    with pytest.raises(ValueError, match="side is 0; expected at least 1"):
        NeighbourStem(widths=(4,), dim=4, side=0)
