"""The spectrogram transformer against loops over patches."""

import jax
import numpy as np
import pytest

from mmjax.encoders.spectrogram_transformer import SpectrogramTransformer
from mmjax.nn.spec_augment import SpecAugment
from tests import reference
from tests.encoders import loops
from tests.encoders.case import DIM, Case, lengths

FRAMES = np.random.default_rng(0).normal(size=(3, 7, 4)).astype(np.float32)
MASK = lengths(4, 0, 7, size=7)
AST = SpectrogramTransformer(dim=DIM, patch=(3, 2), layers=1, heads=2, hidden=6)
HIDDEN = AST.clone(augment=SpecAugment(band=2, stretch=3, share=0.5))
CASES = {
    "spectrogram_transformer": Case(AST, FRAMES, MASK),
    "spectrogram_transformer, augmented": Case(HIDDEN, FRAMES, MASK),
}


def test_tokens_are_patches_time_by_time_and_the_last_ones_are_filled_with_silence():
    params = reference.parameters(AST, FRAMES, MASK, train=False)
    x, real = np.zeros((3, 3, 2, DIM)), np.zeros((3, 3, 2), bool)
    for b, t, f in np.ndindex(3, 3, 2):
        patch = np.zeros((3, 2))
        for i, j in np.ndindex(3, 2):
            if 3 * t + i < 7 and MASK[b, 3 * t + i]:
                patch[i, j] = FRAMES[b, 3 * t + i, 2 * f + j]
                real[b, t, f] = True
        x[b, t, f] = reference.dense(patch.reshape(1, 6), params["patch"])[0]
    x = (x + loops.grid_waves(3, 2, DIM)).reshape(3, 6, DIM)
    real = real.reshape(3, 6)
    found = loops.run(AST, params, FRAMES, MASK)
    loops.close(found, loops.transformer(x, params["transformer"], real, heads=2), real)


def test_augmentation_acts_in_training_alone():
    params = reference.parameters(AST, FRAMES, MASK, train=False)

    def run(module, train):
        return module.apply({"params": params}, FRAMES, MASK, train=train, rngs={"dropout": jax.random.key(3)}).x

    np.testing.assert_array_equal(run(HIDDEN, False), run(AST, False))
    assert np.abs(run(HIDDEN, True) - run(AST, True)).max() > 0.01


def test_mels_that_patches_do_not_tile_are_refused():
    with pytest.raises(ValueError, match="patches of 3 mels do not tile frames of 4; change one of them"):
        jax.eval_shape(lambda: AST.clone(patch=(3, 3)).init(jax.random.key(0), FRAMES, MASK, train=False))
    with pytest.raises(ValueError, match=r"patch is \(0, 3\); expected frames and mels, at least 1 each"):
        SpectrogramTransformer(dim=8, patch=(0, 3))
