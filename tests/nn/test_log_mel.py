"""Log-mel frames against Fourier sums written out, and numbers of another library."""

import cmath
import math

import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.nn.log_mel import FLOOR, frame_mask, log_mel, standardised
from mmjax.nn.mel_filters import mel_filters

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(("samples", "size", "hop"), [(40, 16, 6), (41, 15, 5), (7, 16, 4)])
def test_a_frame_is_the_power_of_the_windowed_samples_around_its_hop_in_each_filter(samples, size, hop):
    waves = RNG.uniform(-1, 1, (2, samples)).astype(np.float32)
    filters = mel_filters(8000, size, 3)
    count = math.ceil(samples / hop)
    expected = np.zeros((2, count, 3))
    for b, t in np.ndindex(2, count):
        power = []
        for k in range(size // 2 + 1):
            total = 0
            for n in range(size):
                at = t * hop + n - size // 2
                if 0 <= at < samples:
                    window = 0.5 - 0.5 * math.cos(2 * math.pi * n / size)
                    total += window * waves[b, at] * cmath.exp(-2j * math.pi * k * n / size)
            power.append(abs(total) ** 2)
        for m in range(3):
            expected[b, t, m] = math.log(max(sum(power * filters[:, m]), FLOOR))
    np.testing.assert_allclose(log_mel(waves, 8000, size, hop, 3), expected, atol=1e-4)


def test_a_tone_gives_the_frame_of_librosa():
    # librosa 0.11: melspectrogram(y, sr=16000, n_fft=400, hop_length=160, n_mels=8, pad_mode="constant"), frame 5
    tone = np.sin(2 * np.pi * 440 * np.arange(1600) / 16_000).astype(np.float32)
    frames = np.asarray(log_mel(tone[None], 16_000, 400, 160, 8))
    assert frames.shape == (1, 10, 8)
    np.testing.assert_allclose(frames[0, 5], [3.4260397, 2.6388566] + [math.log(1e-6)] * 6, atol=1e-4)


def test_frames_are_in_fp32_whatever_the_samples_are_in():
    waves = jnp.asarray(RNG.uniform(-1, 1, (1, 64)), jnp.bfloat16)
    found = log_mel(waves, 8000, 16, 8, 3)
    assert found.dtype == jnp.float32
    np.testing.assert_array_equal(found, log_mel(waves.astype(jnp.float32), 8000, 16, 8, 3))


def test_a_frame_is_real_where_a_sample_of_its_hop_is():
    mask = np.arange(10) < np.array([[0], [1], [4], [5], [10]])
    expected = [[0, 0, 0], [1, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 1]]
    np.testing.assert_array_equal(frame_mask(mask, 4), np.array(expected, bool))


def test_each_example_is_standardised_over_what_is_real_of_it():
    frames = RNG.normal(3, 2, (3, 4, 5)).astype(np.float32)
    mask = np.arange(4) < np.array([[4], [2], [0]])
    found = np.asarray(standardised(np.where(mask[..., None], frames, np.nan), mask))
    for b, count in enumerate((4, 2)):
        mine = [float(v) for t in range(count) for v in frames[b, t]]
        mean = sum(mine) / len(mine)
        variance = sum((v - mean) ** 2 for v in mine) / len(mine)
        expected = [(v - mean) / math.sqrt(variance + 1e-5) for v in mine]
        np.testing.assert_allclose(found[b, :count].ravel(), expected, atol=1e-5)
    assert not found[~mask].any()


def test_a_hop_that_leaves_samples_out_is_refused():
    with pytest.raises(ValueError, match="hop is 17; expected 1 to size 16"):
        log_mel(np.zeros((1, 40)), 8000, 16, 17, 3)
