"""What bounces against what can be seen, heard and felt: the same thing at the same times, by other means."""

import numpy as np
import pytest

from mmjax.data.bounces import bounce
from mmjax.data.late_signals import late_signals_dataset_builder as late_signals

MANY = [bounce.example(0, number) for number in range(40)]


def mask_of(film):
    """[T, H, W] bool: the pixels that are nearer to the brightest than to the ground."""
    grey = film.astype(float).mean(-1)
    return grey > (grey.max(axis=(1, 2), keepdims=True) + np.median(grey, axis=(1, 2), keepdims=True)) / 2


def fallen(row, t):
    """The height at times of a fall from rest with bounces at row["times"], step by step from what is between them.

    A parabola between two bounces at a and b is g (t - a) (b - t) / 2.
    """
    times = row["times"]
    return np.array([np.nan if not (i := np.searchsorted(times, s)) or i == len(times) else
                     (s - times[i - 1]) * (times[i] - s) for s in t])  # fmt: skip


@pytest.mark.parametrize("row", [row for row in MANY if len(row["times"]) > 2][:12])
def test_the_film_shows_a_parabola_between_two_bounces(row):
    t = np.arange(bounce.FRAMES) * bounce.SECONDS / bounce.FRAMES
    seen = mask_of(row["film"])
    lowest = np.array([np.nonzero(one.any(1))[0].max() for one in seen])
    expected = fallen(row, t)
    there = np.isfinite(expected)
    assert np.corrcoef(expected[there], lowest[there])[0, 1] < -0.95
    assert lowest[np.argmin(np.abs(t - row["times"][0]))] >= bounce.SIDE - 3


def test_it_sounds_at_each_bounce_and_is_silent_before_the_first():
    for row in MANY:
        power = row["sound"].astype(float) ** 2
        first = int(row["times"][0] * bounce.RATE)
        before = power[: first - 10].mean()
        for time in row["times"]:
            start = int(time * bounce.RATE)
            if start + 100 < len(power):
                assert power[start : start + 100].mean() > 5 * before


def test_pitch_tells_the_material_and_nothing_else():
    for row in MANY:
        spectrum = np.abs(np.fft.rfft(row["sound"].astype(float)))
        pitch = np.argmax(spectrum) / bounce.SECONDS
        assert (pitch > 450) == ("metal" in row["label"])


def test_the_sensor_swings_as_fast_as_the_thing_is_hollow():
    for row in MANY:
        time, up = row["sensor"][:, 0].astype(float), row["sensor"][:, 1].astype(float)
        read = np.isfinite(up) & (time > row["times"][0])
        pitches = np.arange(2, 12, 0.1)
        waves = np.exp(-2j * np.pi * pitches[:, None] * time[None, read])
        power = np.abs(waves @ (up[read] - up[read].mean()))
        assert (np.diff(time) > 0).all()
        row["swing"] = pitches[np.argmax(power)]
    hollow = np.array(["hollow" in row["label"] for row in MANY])
    assert (hollow == np.array([row["swing"] > 5.4 for row in MANY])).mean() > 0.9


def test_cells_and_channels_are_missing_as_often_as_is_said():
    cells = sum(len(row["record"]) for row in MANY) / (3 * len(MANY))
    read = np.mean([np.isfinite(row["sensor"][:, 1:]).mean() for row in MANY])
    assert abs(cells - (1 - bounce.EMPTY)) < 0.1 and abs(read - (1 - bounce.UNREAD)) < 0.03
    assert {name for row in MANY for name in row["record"]} == {"weight", "width", "maker"}


def test_a_row_is_a_function_of_seed_and_number():
    again, other = bounce.example(0, 3), bounce.example(1, 3)
    for name in ("film", "sound", "sensor", "times"):
        np.testing.assert_array_equal(again[name], MANY[3][name])
    assert not np.array_equal(other["film"], again["film"])
    assert len({row["label"] for row in MANY}) == 8


def test_late_sound_is_the_same_sound_later_beside_the_same_film():
    clean, late = (bounce.example(1, 5, by) for by in (0.0, 0.25))
    np.testing.assert_array_equal(clean["film"], late["film"])
    steps = round(0.25 * bounce.RATE)
    x, y = (one["sound"].astype(float) for one in (clean, late))
    assert np.corrcoef(x[:-steps], y[steps:])[0, 1] > 0.9 > 0.5 > abs(np.corrcoef(x, y)[0, 1])


def lit(film, lamp):
    """When the lamp in an upper corner is lit, in seconds: of its first frame, and of the first one after it."""
    corner = film[:, : bounce.LAMP, : bounce.LAMP] if lamp == "left" else film[:, : bounce.LAMP, -bounce.LAMP :]
    (frames,) = np.nonzero((corner == 255).all(axis=(1, 2, 3)))
    return frames[0] * bounce.SECONDS / bounce.FRAMES, (frames[-1] + 1) * bounce.SECONDS / bounce.FRAMES


def beeped(sound):
    """When the beep begins, in seconds: where most of a window of its length is of its pitch."""
    size = round(bounce.BEEP * bounce.RATE)
    windows = np.lib.stride_tricks.sliding_window_view(sound.astype(float), size)
    wave = np.exp(-2j * np.pi * bounce.BEEP_PITCH * np.arange(size) / bounce.RATE)
    return np.argmax(np.abs(windows @ wave)) / bounce.RATE


@pytest.mark.parametrize("number", range(12))
def test_the_beep_is_heard_with_one_lamp_in_time_and_the_late_sound_is_late_by_its_offset(number):
    row, frame = late_signals.example(2, number), bounce.SECONDS / bounce.FRAMES
    on, off = np.transpose([lit(row["film"], lamp) for lamp in late_signals.LABELS])
    heard = beeped(row["in_time"])
    assert off - on == pytest.approx(np.full(2, bounce.FLASH), abs=frame / 2)
    assert late_signals.GAP[0] - frame < abs(on[1] - on[0]) < late_signals.GAP[1] + frame
    assert late_signals.LABELS[np.argmin(abs(heard - on))] == row["label"] and min(abs(heard - on)) < 1.1 * frame
    assert beeped(row["sound"]) - heard == pytest.approx(float(row["offset"]), abs=0.003)


def test_the_beep_is_often_heard_nearer_to_the_other_lamp_where_the_sound_is_late():
    rows = [late_signals.example(2, number) for number in range(100)]
    away = [[abs(beeped(row["sound"]) - lit(row["film"], lamp)[0]) for lamp in late_signals.LABELS] for row in rows]
    perceived = np.argmin(away, axis=1)
    truth = np.array([late_signals.LABELS.index(row["label"]) for row in rows])
    assert 0.55 < (perceived == truth).mean() < 0.85 and 0.35 < truth.mean() < 0.65
