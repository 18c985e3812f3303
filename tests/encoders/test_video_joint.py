"""Joint attention over space and time against loops over tubelets."""

import jax
import numpy as np
import pytest

from mmjax.encoders.video_joint import VideoJoint
from tests import reference
from tests.encoders import loops
from tests.encoders.case import DIM, Case, lengths

FRAMES = np.random.default_rng(0).integers(0, 256, (3, 5, 4, 4, 2)).astype(np.float32)
MASK = lengths(3, 0, 5, size=5)
VIDEO = VideoJoint(dim=DIM, tubelet=(2, 2), layers=1, heads=2, hidden=6)
CASES = {"video_joint": Case(VIDEO, FRAMES, MASK)}


def tubelets(params, frames=FRAMES, mask=MASK):
    """Tokens [B, 3, 2, 2, DIM] of tubelets of 2 x 2 x 2 pixels, grey where there is no frame, and which are real."""
    x, real = np.zeros((3, 3, 2, 2, DIM)), np.zeros((3, 3), bool)
    for b, t, h, w in np.ndindex(x.shape[:4]):
        cube = np.zeros((2, 2, 2, 2))
        for f in range(2):
            if 2 * t + f < 5 and mask[b, 2 * t + f]:
                cube[f] = frames[b, 2 * t + f, 2 * h : 2 * h + 2, 2 * w : 2 * w + 2] / 127.5 - 1
                real[b, t] = True
        x[b, t, h, w] = reference.dense(cube.reshape(1, -1), params["tubelet"])[0]
    return x, real


def test_every_tubelet_sees_every_other_and_knows_where_and_when_it_is():
    params = reference.parameters(VIDEO, FRAMES, MASK, train=False)
    x, real = tubelets(params["embed"])
    x = x + loops.grid_waves(2, 2, DIM) + loops.waves(np.arange(3), DIM)[:, None, None]
    real = np.repeat(real, 4, axis=1)
    expected = loops.transformer(x.reshape(3, 12, DIM), params["transformer"], real, heads=2)
    loops.close(loops.run(VIDEO, params, FRAMES, MASK), expected, real)


def test_frames_that_patches_do_not_tile_are_refused():
    with pytest.raises(ValueError, match="patches of 3 pixels do not tile frames of 4 x 4"):
        jax.eval_shape(lambda: VIDEO.clone(tubelet=(2, 3)).init(jax.random.key(0), FRAMES, MASK, train=False))
    with pytest.raises(ValueError, match=r"tubelet is \(0, 3\); expected frames and pixels, at least 1 each"):
        VideoJoint(dim=8, tubelet=(0, 3))
