"""Samples to tokens: the log-mel frames of `nn.log_mel`, standardised, through an encoder of frames."""

import numpy as np
import pytest

from mmjax.encoders.spectrogram_transformer import SpectrogramTransformer
from mmjax.encoders.speech_conv import SpeechConv
from mmjax.encoders.waveform import Waveform
from mmjax.nn.log_mel import log_mel
from tests import reference
from tests.encoders import loops
from tests.encoders.case import DIM, Case, lengths

SOUND = np.random.default_rng(0).uniform(-1, 1, size=(3, 50)).astype(np.float32)
MASK = lengths(21, 0, 50, size=50)
FRONT = dict(dim=DIM, rate=16_000, size=32, hop=6, mels=4)
SPEECH = SpeechConv(dim=DIM, layers=1, heads=2, hidden=6)
WAVE = Waveform(frames=SPEECH, **FRONT)
AST = SpectrogramTransformer(dim=DIM, patch=(2, 2), layers=1, heads=2, hidden=6)
CASES = {
    "waveform": Case(WAVE, SOUND, MASK),
    "waveform, patches": Case(Waveform(frames=AST, **FRONT, scale="htk"), SOUND, MASK),
}


def test_frames_are_standardised_over_what_is_real_and_encoded_as_the_field_says():
    params = reference.parameters(WAVE, SOUND, MASK, train=False)
    frames = np.array(log_mel(np.where(MASK, SOUND, 0), 16_000, 32, 6, 4))
    real = lengths(4, 0, 9, size=9)  # 21 samples reach into the fourth hop of six
    for b in range(3):
        mine = frames[b][real[b]]
        if mine.size:
            mine = (mine - mine.mean()) / np.sqrt(mine.var() + 1e-5)
        frames[b] = 0
        frames[b][real[b]] = mine
    expected = loops.run(SPEECH, params["frames"], frames, real)
    found = loops.run(WAVE, params, SOUND, MASK)
    np.testing.assert_array_equal(found.mask, expected.mask)
    np.testing.assert_allclose(found.x, expected.x, atol=1e-4)


def test_how_loud_a_sound_is_and_how_long_it_is_padded_does_not_count():
    params = reference.parameters(WAVE, SOUND, MASK, train=False)
    whole = loops.run(WAVE, params, SOUND, MASK)
    soft = loops.run(WAVE, params, SOUND / 4, MASK)
    np.testing.assert_allclose(soft.x[2], whole.x[2], atol=1e-3)
    short = loops.run(WAVE, params, SOUND[:1, :23], MASK[:1, :23])
    np.testing.assert_allclose(short.x[0], whole.x[0, : short.x.shape[1]], atol=1e-4)


def test_a_silent_sound_is_finite():
    params = reference.parameters(WAVE, SOUND, MASK, train=False)
    assert np.isfinite(loops.run(WAVE, params, np.zeros_like(SOUND), MASK).x).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(hop=33), "hop is 33; expected 1 to size 32"),
        (dict(mels=64), "mels is 64, but filter 0 lies between two bins of a transform of 32 samples; choose fewer"),
        (dict(dim=16), "frames.dim is 8, but dim 16; make them equal"),
        (dict(scale="bark"), "scale is 'bark'; expected one of slaney, htk"),
    ],
)
def test_a_front_end_that_cannot_be_made_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        Waveform(frames=SPEECH, **FRONT | change)
