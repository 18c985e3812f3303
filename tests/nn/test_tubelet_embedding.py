"""Tubelets against loops over places, and frames that are not there."""

import numpy as np
import pytest

from mmjax.nn.pixels import centred
from mmjax.nn.tubelet_embedding import TubeletEmbedding
from tests import reference

VIDEO = np.random.default_rng(0).integers(0, 256, (2, 5, 4, 6, 3), dtype=np.uint8)
MASK = np.array([[1, 1, 1, 0, 0], [0, 1, 0, 0, 1]], bool)


@pytest.mark.parametrize(("frames", "size"), [(1, 2), (2, 2), (3, 1), (5, 2)])
def test_a_token_is_a_linear_map_of_a_patch_over_several_frames(frames, size):
    module = TubeletEmbedding(4, frames, size)
    params = reference.parameters(module, VIDEO, MASK)
    found, real = module.apply({"params": params}, VIDEO, MASK)
    times = -(-5 // frames)
    assert found.shape == (2, times, 4 // size, 6 // size, 4)
    for b, t in np.ndindex(2, times):
        assert real[b, t] == MASK[b, t * frames : (t + 1) * frames].any()
        for y, x in np.ndindex(4 // size, 6 // size):
            cube = np.zeros((frames, size, size, 3))
            for f in range(frames):
                if t * frames + f < 5 and MASK[b, t * frames + f]:
                    patch = VIDEO[b, t * frames + f, y * size : (y + 1) * size, x * size : (x + 1) * size]
                    cube[f] = patch / 127.5 - 1
            expected = reference.dense(cube.reshape(1, -1), params["tubelet"])[0]
            np.testing.assert_allclose(found[b, t, y, x], expected, atol=1e-4)


def test_pixels_are_centred_and_what_is_not_there_is_grey_even_if_it_is_nan():
    spoilt = np.where(MASK[..., None, None, None], VIDEO, np.nan).astype(np.float32)
    found = np.asarray(centred(spoilt, MASK))
    np.testing.assert_allclose(found[MASK], VIDEO[MASK] / 127.5 - 1, atol=1e-6)
    assert not found[~MASK].any()
