"""The convolutional stem against naive loops over places, kernels and windows."""

import jax
import numpy as np
import pytest

from mmjax.nn.conv_stem import ConvStem
from tests import reference

X = np.random.default_rng(0).normal(size=(2, 4, 8, 2)).astype(np.float32)


def convolve(x, kernel, bias):
    """A 3x3 convolution of zero-padded x."""
    batch, height, width, _ = x.shape
    out = np.zeros((batch, height, width, kernel.shape[-1]))
    for b, y, z, o in np.ndindex(out.shape):
        total = bias[o]
        for i, j in np.ndindex(3, 3):
            if 0 <= y + i - 1 < height and 0 <= z + j - 1 < width:
                total += sum(x[b, y + i - 1, z + j - 1] * kernel[i, j, :, o])
        out[b, y, z, o] = total
    return out


def pool(x):
    """The largest of each 2x2 window."""
    out = np.zeros((x.shape[0], x.shape[1] // 2, x.shape[2] // 2, x.shape[3]))
    for b, y, z, c in np.ndindex(out.shape):
        out[b, y, z, c] = max(x[b, 2 * y + i, 2 * z + j, c] for i in range(2) for j in range(2))
    return out


def group_norm(x, groups, scale, bias):
    """Each example's groups of neighbouring channels to mean 0 and variance 1, over all places."""
    out, size = np.zeros_like(x), x.shape[3] // groups
    for b, g in np.ndindex(x.shape[0], groups):
        mine = x[b, :, :, g * size : (g + 1) * size]
        out[b, :, :, g * size : (g + 1) * size] = (mine - mine.mean()) / np.sqrt(mine.var() + 1e-6)
    return out * scale + bias


def test_each_stage_is_a_convolution_a_group_norm_a_relu_and_a_pooling_and_a_projection_ends_it():
    module = ConvStem(widths=(4, 6), dim=5, groups=2)
    params = reference.parameters(module, X)
    expected = X
    for stage in range(2):
        norm = params[f"norm_{stage}"]
        kernel = params[f"conv_{stage}"]["kernel"]
        convolved = convolve(expected, kernel, np.zeros(kernel.shape[-1]))
        expected = pool(np.maximum(group_norm(convolved, 2, norm["scale"], norm["bias"]), 0))
    assert expected.shape == (2, 1, 2, 6)
    expected = reference.dense(expected, params["project"])
    np.testing.assert_allclose(module.apply({"params": params}, X), expected, atol=1e-4)


def test_a_picture_that_cannot_be_halved_so_often_is_refused():
    with pytest.raises(ValueError, match=r"3 poolings need a picture whose sides divide by 8, given \(4, 8\)"):
        jax.eval_shape(ConvStem(widths=(2, 2, 2), dim=2, groups=2).init, jax.random.key(0), X)


def convolved(x, kernel, norm, groups):
    """A 3x3 convolution at every other place of [H, W, C] with zeros around it, group norm over all places, ReLU."""
    padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
    sides = [(side + 1) // 2 for side in x.shape[:2]]
    out = np.zeros((*sides, kernel.shape[-1]))
    for i, j in np.ndindex(*sides):
        out[i, j] = np.einsum("abc,abcd->d", padded[2 * i : 2 * i + 3, 2 * j : 2 * j + 3], kernel)
    for group in np.split(np.arange(out.shape[-1]), groups):
        mine = out[..., group]
        out[..., group] = (mine - mine.mean()) / np.sqrt(mine.var() + 1e-6)
    return np.maximum(out * norm["scale"] + norm["bias"], 0)


@pytest.mark.parametrize("sides", [(8, 8), (7, 10)])
def test_without_pooling_it_convolves_at_every_other_place(sides):
    x = np.random.default_rng(0).normal(size=(2, *sides, 3)).astype(np.float32)
    stem = ConvStem((4, 6), dim=5, groups=2, pool=False)
    params = reference.parameters(stem, x)
    found = stem.apply({"params": params}, x)
    for b in range(2):
        grid = x[b]
        for i in range(2):
            grid = convolved(grid, np.asarray(params[f"conv_{i}"]["kernel"]), params[f"norm_{i}"], 2)
        np.testing.assert_allclose(found[b], reference.dense(grid, params["project"]), atol=1e-4)


@pytest.mark.parametrize("widths", [(), (8, 0), (12,)])
def test_widths_that_make_nothing_are_refused(widths):
    with pytest.raises(ValueError, match="expected some, each a multiple of groups 8"):
        ConvStem(widths, dim=6)
