"""The convolutional picture encoder against loops over places, kernels and windows."""

from functools import partial

import jax
import numpy as np
import pytest

from mmjax.encoders.conv_net import ConvNet
from mmjax.nn.sine_position import SinePosition
from tests import reference
from tests.encoders import loops
from tests.encoders.case import DIM, Case

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (3, 4, 6, 3)).astype(np.float32)
NET = ConvNet(dim=DIM, widths=(4,), groups=2)
CASES = {
    "conv_net": Case(NET, PIXELS, np.array([True, False, True])),
    "conv_net, with positions": Case(NET.clone(position=SinePosition()), PIXELS, np.array([True, False, True])),
}


def stage(x, params, groups):
    """A 3x3 convolution with zeros around, group norm, ReLU, the largest of each 2x2 window."""
    (height, width, _), kernel = x.shape, np.asarray(params["conv_0"]["kernel"])
    out = np.zeros((height, width, kernel.shape[-1]))
    for y, z, i, j in np.ndindex(height, width, 3, 3):
        if 0 <= y + i - 1 < height and 0 <= z + j - 1 < width:
            out[y, z] += x[y + i - 1, z + j - 1] @ kernel[i, j]
    for channels in np.split(np.arange(out.shape[-1]), groups):
        mine = out[..., channels]
        out[..., channels] = (mine - mine.mean()) / np.sqrt(mine.var() + 1e-6)
    out = np.maximum(out * params["norm_0"]["scale"] + params["norm_0"]["bias"], 0)
    pooled = np.zeros((height // 2, width // 2, out.shape[-1]))
    for y, z in np.ndindex(pooled.shape[:2]):
        pooled[y, z] = out[2 * y : 2 * y + 2, 2 * z : 2 * z + 2].max((0, 1))
    return pooled


def test_tokens_are_the_places_of_the_last_grid_row_by_row():
    params = reference.parameters(NET, PIXELS, np.ones(3, bool), train=False)
    expected = []
    for picture in PIXELS:
        grid = reference.dense(stage(picture / 127.5 - 1, params["stem"], 2), params["stem"]["project"])
        expected.append(reference.layer_norm(grid, params["norm"]).reshape(6, DIM))
    mask = np.ones(3, bool)
    found = loops.run(NET, params, PIXELS.astype(np.uint8), mask)
    loops.close(found, np.stack(expected), np.ones((3, 6), bool))
    placed = loops.run(NET.clone(position=SinePosition()), params, PIXELS, mask)
    there = np.broadcast_to(loops.grid_waves(2, 3, DIM).reshape(6, DIM), placed.x.shape)
    np.testing.assert_allclose(placed.x - found.x, there, atol=1e-5)


def test_what_it_cannot_take_is_refused_when_it_is_made_or_given():
    with pytest.raises(ValueError, match=r"widths are \(6,\); expected some, each a multiple of groups 8"):
        ConvNet(dim=4, widths=(6,))
    with pytest.raises(ValueError, match="groups is 0; expected at least 1"):
        ConvNet(dim=4, groups=0)
    with pytest.raises(ValueError, match=r"ConvNet takes values \[B, H, W, C\] with a mask \[B\], given \(4, 6, 3\)"):
        jax.eval_shape(partial(NET.init, train=False), jax.random.key(0), PIXELS[0], np.ones(4, bool))
