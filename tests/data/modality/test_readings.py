"""Readings at any times: times from the first on, channels that were not read, statistics of those that were."""

import numpy as np
import pytest

from mmjax.data.modality.readings import Readings

READINGS = Readings("pulse", length=4, channels=2)
NAN = float("nan")
ROWS = ([[0.5, 1, NAN], [2.25, 3, 10]], [[7, NAN, 20], [NAN, 5, 30], [9, NAN, NAN]], None)


def test_times_count_from_the_first_and_channels_that_were_not_read_stay_nan():
    fitted = READINGS.fit(ROWS)
    values, mask = READINGS(ROWS[0], fitted)
    read = np.array([1, 3, 5]), np.array([10, 20, 30])
    mean, deviation = [r.mean() for r in read], [r.std() for r in read]
    expected = [[0, (1 - mean[0]) / deviation[0], NAN], [1.75, *(np.subtract([3, 10], mean) / deviation)]]
    np.testing.assert_allclose(values[:2], expected, rtol=1e-6)
    assert mask.tolist() == [True, True, False, False] and not values[2:].any()


def test_seconds_since_1970_are_told_apart():
    later = [[time + 1.7e9, *read] for time, *read in ROWS[0]]
    for found, expected in zip(READINGS(later, READINGS.fit(ROWS)), READINGS(ROWS[0], READINGS.fit(ROWS)), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_step_without_a_time_or_without_any_channel_is_masked():
    values, mask = READINGS(ROWS[1], READINGS.fit(ROWS))
    assert mask.tolist() == [True, False, False, False] and not values[1:].any()
    assert not READINGS(None, {})[1].any() and not READINGS([[NAN, NAN, NAN]], {})[1].any()


def test_other_channels_or_more_steps_are_told():
    with pytest.raises(ValueError, match=r"a series of shape \[1, 2\], expected \[steps, 3\]"):
        READINGS([[1, 2]], {})
    with pytest.raises(ValueError, match="5 steps, but its length is 4: set it to 5 or more"):
        READINGS([[1, 2, 3]] * 5, {})
    with pytest.raises(ValueError, match="channels is 0"):
        Readings("pulse", 4, 0)
