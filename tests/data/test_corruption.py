"""Corruptions against loops, and what they make sense for."""

import math

import numpy as np
import pytest

from mmjax.data.corruption import CORRUPTIONS, blur, drop, noise, shift

RNG = np.random.default_rng(0)
LENGTHS = np.array([9, 6, 3, 0])
SERIES = RNG.normal(size=(4, 9, 2)).astype(np.float32)
REAL = np.arange(9) < LENGTHS[:, None]
PICTURES = RNG.integers(0, 256, (2, 6, 5, 3), dtype=np.uint8)
ARRAYS = {
    "picture": (PICTURES, np.ones(2, bool)),
    "video": (np.stack([PICTURES] * 4, axis=1), np.ones((2, 4), bool)),
    "series": (SERIES, REAL),
    "sound": (SERIES[..., 0], REAL),
    "vector": (SERIES[:, 0], np.ones(4, bool)),
    "text": (np.ones((4, 9), np.int32), REAL),
}


def smooth(row, real, deviation):
    """The Gaussian mean of a line of numbers over those that are real, with a loop over each pair."""
    reach, out = math.ceil(3 * deviation), []
    for t in range(len(row)):
        near = [s for s in range(len(row)) if real[s] and abs(s - t) <= reach]
        weights = [math.exp(-0.5 * ((s - t) / deviation) ** 2) for s in near]
        out.append(sum(w * float(row[s]) for w, s in zip(weights, near, strict=True)) / sum(weights) if near else 0.0)
    return np.array(out)


def test_each_is_for_what_it_makes_sense_for():
    fits = {name: {kind for kind, one in CORRUPTIONS.items() if one.fits(*given)} for name, given in ARRAYS.items()}
    assert fits == {
        "picture": {"noise", "blur"},
        "video": {"noise", "blur", "shift", "drop"},
        "series": {"noise", "blur", "shift", "drop"},
        "sound": {"noise", "blur", "shift", "drop"},
        "vector": {"noise"},
        "text": set(),
    }


@pytest.mark.parametrize("name", ARRAYS)
def test_shapes_and_types_stay_and_the_seed_and_number_of_a_batch_say_what_is_drawn(name):
    values, mask = ARRAYS[name]
    batch = {"x": values, "x_mask": mask, "y": np.zeros(3)}
    for one in CORRUPTIONS.values():
        if not one.fits(values, mask):
            continue
        first, second = one.over([batch, batch], "x", one.strengths[-1], seed=0)
        again, _ = one.over([batch, batch], "x", one.strengths[-1], seed=0)
        assert first["x"].shape == values.shape and first["x"].dtype == values.dtype and first["y"] is batch["y"]
        assert first["x_mask"].shape == mask.shape and first["x_mask"].dtype == bool
        np.testing.assert_array_equal(first["x"], again["x"])
        np.testing.assert_array_equal(first["x_mask"], again["x_mask"])
        drawn = one.change in (noise, drop)
        same = np.array_equal(first["x"], second["x"]) and np.array_equal(first["x_mask"], second["x_mask"])
        assert same != drawn


def test_noise_is_as_strong_as_told_in_deviations_of_what_is_real():
    values = np.where(REAL[..., None], 5 * SERIES, 1e6).astype(np.float32)
    rows = np.repeat(values, 500, axis=0), np.repeat(REAL, 500, axis=0)
    found, mask = noise(*rows, 0.5, np.random.default_rng(1))
    np.testing.assert_array_equal(mask, rows[1])
    added = (found - rows[0])[rows[1]]
    assert added.std() == pytest.approx(0.5 * rows[0][rows[1]].std(), rel=0.02) and abs(added.mean()) < 0.1
    nothing, _ = noise(values, REAL & False, 1.0, np.random.default_rng(1))
    np.testing.assert_array_equal(nothing, values)
    assert noise(PICTURES, np.ones(2, bool), 50.0, np.random.default_rng(1))[0].max() == 255


def test_blur_of_a_series_is_a_gaussian_mean_of_its_real_steps():
    dirty = np.where(REAL[..., None], SERIES, np.nan).astype(np.float32)
    found, mask = blur(dirty, REAL, 1.5, RNG)
    np.testing.assert_array_equal(mask, REAL)
    for b, c in np.ndindex(4, 2):
        expected = smooth(SERIES[b, :, c], REAL[b], 1.5)
        np.testing.assert_allclose(found[b, REAL[b], c], expected[REAL[b]], atol=1e-5)


def test_blur_of_a_picture_goes_down_and_across_and_not_through_colours_or_frames():
    found, _ = blur(PICTURES, np.ones(2, bool), 1.0, RNG)
    for b, c in np.ndindex(2, 3):
        down = np.stack([smooth(PICTURES[b, :, i, c], np.ones(6, bool), 1.0) for i in range(5)], axis=1)
        expected = np.stack([smooth(row, np.ones(5, bool), 1.0) for row in down])
        assert np.abs(found[b, :, :, c] - expected).max() <= 0.51
    video, mask = ARRAYS["video"]
    np.testing.assert_array_equal(blur(video, mask, 1.0, RNG)[0], np.stack([found] * 4, axis=1))


def test_a_shift_moves_steps_and_their_mask_later_and_loses_what_goes_beyond_the_end():
    found, mask = shift(SERIES, REAL, 0.33, RNG)  # of 9 steps: 3
    for b, t in np.ndindex(4, 9):
        assert mask[b, t] == (t >= 3 and REAL[b, t - 3])
        if mask[b, t]:
            np.testing.assert_array_equal(found[b, t], SERIES[b, t - 3])


def test_steps_are_lost_with_their_probability_but_never_all_and_values_stay():
    values, mask = np.zeros((2000, 9, 2), np.float32), np.repeat(REAL, 500, axis=0)
    before = mask
    for strength in CORRUPTIONS["drop"].strengths:
        found, left = drop(values, mask, strength, np.random.default_rng(3))
        assert found is values and not np.any(left & ~before)
        np.testing.assert_array_equal(left.any(1), mask.any(1))
        assert left[:500].mean() == pytest.approx(1 - strength + strength**9 / 9, abs=0.02)
        before = left
