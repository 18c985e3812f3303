"""The convolutional speech encoder against loops, and its masks."""

import jax
import numpy as np
import pytest

from mmjax.encoders.speech_conv import SpeechConv
from mmjax.nn.spec_augment import SpecAugment
from tests import reference
from tests.encoders import loops
from tests.encoders.case import DIM, Case, lengths

FRAMES = np.random.default_rng(0).normal(size=(3, 9, 3)).astype(np.float32)
MASK = lengths(5, 0, 9, size=9)
SPEECH = SpeechConv(dim=DIM, layers=1, heads=2, hidden=6)
CASES = {
    "speech_conv": Case(SPEECH, FRAMES, MASK),
    "speech_conv, augmented": Case(SPEECH.clone(augment=SpecAugment(band=1, stretch=2, share=0.5)), FRAMES, MASK),
}


@pytest.fixture(scope="module")
def params():
    return reference.parameters(SPEECH, FRAMES, MASK, train=False)


def test_it_is_two_strided_convolutions_positions_and_blocks_of_a_token_for_four_frames(params):
    x, real = FRAMES, MASK
    for i in range(2):
        x, real = loops.convolve(x, real, params[f"conv_{i}"]["kernel"], kernel=3, stride=2)
        x = reference.gelu_tanh(x)
    np.testing.assert_array_equal(real, lengths(2, 0, 3, size=3))
    x = x + loops.waves(np.arange(3), DIM)
    found = loops.run(SPEECH, params, FRAMES, MASK)
    loops.close(found, loops.transformer(x, params["transformer"], real, heads=2), real)


def test_a_row_is_encoded_alike_whatever_the_length_that_it_is_padded_to(params):
    whole = loops.run(SPEECH, params, FRAMES, MASK)
    for length in (5, 6, 7, 8):
        short = loops.run(SPEECH, params, FRAMES[:1, :length], MASK[:1, :length])
        np.testing.assert_allclose(short.x[0, :2], whole.x[0, :2], atol=1e-5)


def test_strides_that_leap_over_frames_are_refused():
    with pytest.raises(ValueError, match=r"strides are \(4,\); expected at least one, each from 1 to the kernel's 3"):
        SpeechConv(dim=8, strides=(4,))
    with pytest.raises(ValueError, match=r"SpeechConv takes values \[B, T, F\] with a mask \[B, T\]"):
        jax.eval_shape(lambda: SPEECH.init(jax.random.key(0), FRAMES, MASK[:, :3], train=False))
