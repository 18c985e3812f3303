"""A class token and patches against loops, and patches that are hidden."""

import jax
import numpy as np
import pytest

from mmjax.encoders.patches import Patches
from mmjax.nn.conv_stem import ConvStem
from mmjax.nn.patch_embedding import PatchEmbedding
from tests import reference
from tests.encoders import loops
from tests.encoders.case import DIM, Case

FLOATS = np.random.default_rng(0).integers(0, 256, (3, 4, 6, 3)).astype(np.float32)
MASK = np.array([True, False, True])
PATCHES = Patches(dim=DIM, stem=PatchEmbedding(2, DIM))
CASES = {"patches": Case(PATCHES, FLOATS, MASK)}


@pytest.mark.parametrize("kind", ["seen", "hidden"])
def test_it_is_a_class_token_and_patches_or_the_mask_token_with_positions(kind):
    hidden = {} if kind == "seen" else {"hidden": np.random.default_rng(1).random((3, 2, 3)) < 0.5}
    params = reference.parameters(PATCHES, FLOATS, MASK, train=False, **hidden)
    assert ("mask_token" in params) == (kind == "hidden")
    cut = (FLOATS / 127.5 - 1).reshape(3, 2, 2, 3, 2, 3).swapaxes(2, 3).reshape(3, 6, 12)
    x = reference.dense(cut, params["stem"]["patch"])
    if hidden:
        x[hidden["hidden"].reshape(3, 6)] = params["mask_token"]
    x = x + params["position"]["table"].reshape(6, DIM)
    first = np.tile(params["class_token"] + params["class_position"], (3, 1, 1))
    found = reference.compiled(lambda params: PATCHES.apply({"params": params}, FLOATS, MASK, train=False, **hidden))
    loops.close(found(params), np.concatenate([first, x], axis=1), np.tile(MASK[:, None], (1, 7)))


def test_a_stem_that_looks_beyond_a_patch_sees_nothing_of_a_hidden_one():
    encoder = Patches(dim=DIM, stem=ConvStem((4,), DIM, groups=2))
    hidden = np.zeros((3, 2, 3), bool)
    hidden[:, 0, 1] = True
    params = reference.parameters(encoder, FLOATS, MASK, train=False, hidden=hidden)
    other = FLOATS.copy()
    other[:, :2, 2:4] = 255 - other[:, :2, 2:4]

    @reference.compiled
    def run(values, **more):
        return encoder.apply({"params": params}, values, MASK, train=False, **more).x

    np.testing.assert_array_equal(run(FLOATS, hidden=hidden), run(other, hidden=hidden))
    assert np.abs(run(FLOATS) - run(other))[:, 3].max() > 1e-4  # a patch beside it


def test_what_does_not_fit_is_told():
    def init(module, values, **hidden):
        jax.eval_shape(lambda: module.init(jax.random.key(0), values, MASK, train=False, **hidden))

    with pytest.raises(ValueError, match=r"hidden has the shape \(3, 6\); expected \(3, 2, 3\)"):
        init(PATCHES, FLOATS, hidden=np.ones((3, 6), bool))
    with pytest.raises(ValueError, match=r"takes values \[B, H, W, C\] with a mask \[B\], given"):
        init(PATCHES, FLOATS[0])
    with pytest.raises(ValueError, match=r"stem\.dim is 5, but the encoder has dim 8; make them equal"):
        init(Patches(dim=DIM, stem=PatchEmbedding(2, 5)), FLOATS)


def test_channels_are_taken_by_their_mean_and_deviation():
    channels = ((0.4, 0.2), (0.5, 0.3), (0.1, 0.7))
    encoder = PATCHES.clone(channels=channels)
    params = reference.parameters(encoder, FLOATS, MASK, train=False)
    other = np.stack([(FLOATS[..., c] / 255 - mean) / deviation for c, (mean, deviation) in enumerate(channels)], -1)
    found = encoder.apply({"params": params}, FLOATS, MASK, train=False)
    expected = PATCHES.apply({"params": params}, (other + 1) * 127.5, MASK, train=False)
    np.testing.assert_allclose(found.x[MASK], expected.x[MASK], atol=1e-5)
    with pytest.raises(ValueError, match="channels has 1, but a picture 3"):
        jax.eval_shape(lambda: PATCHES.clone(channels=((0.5, 0.5),)).init(jax.random.key(0), FLOATS, MASK, train=False))
    with pytest.raises(ValueError, match="deviations above 0"):
        PATCHES.clone(channels=((0.5, 0.0),) * 3)
