"""Strided convolutions against loops over places."""

import numpy as np
import pytest

from mmjax.nn.strided_stem import StridedStem
from tests import reference

GROUPS = 2


def convolved(x, kernel, norm):
    """A 3x3 convolution at every other place of [H, W, C] with zeros around it, group norm over all places, ReLU."""
    padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
    sides = [(side + 1) // 2 for side in x.shape[:2]]
    out = np.zeros((*sides, kernel.shape[-1]))
    for i, j in np.ndindex(*sides):
        out[i, j] = np.einsum("abc,abcd->d", padded[2 * i : 2 * i + 3, 2 * j : 2 * j + 3], kernel)
    for group in np.split(np.arange(out.shape[-1]), GROUPS):
        mine = out[..., group]
        out[..., group] = (mine - mine.mean()) / np.sqrt(mine.var() + 1e-6)
    return np.maximum(out * norm["scale"] + norm["bias"], 0)


@pytest.mark.parametrize("sides", [(8, 8), (7, 10)])
def test_it_convolves_at_every_other_place(sides):
    x = np.random.default_rng(0).normal(size=(2, *sides, 3)).astype(np.float32)
    stem = StridedStem((4, 6), dim=5, groups=GROUPS)
    params = reference.parameters(stem, x)
    found = stem.apply({"params": params}, x)
    for b in range(2):
        grid = x[b]
        for i in range(2):
            grid = convolved(grid, np.asarray(params[f"conv_{i}"]["kernel"]), params[f"norm_{i}"])
        np.testing.assert_allclose(found[b], reference.dense(grid, params["project"]), atol=1e-4)


@pytest.mark.parametrize("widths", [(), (8, 0), (12,)])
def test_widths_that_make_nothing_are_refused(widths):
    with pytest.raises(ValueError, match="expected some, each a multiple of groups 8"):
        StridedStem(widths, dim=6)
