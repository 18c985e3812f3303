"""Series as they could have been: rotations keep lengths and angles, pace keeps the course, masks tell what is left."""

import numpy as np
import pytest

from mmjax.data.modality.series import Series
from mmjax.data.series_augment import SeriesAugment, paced, rotation


def draw(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def rng():
    return np.random.default_rng(1)


def test_a_rotation_turns_by_its_angle_about_its_axis():
    np.testing.assert_allclose(rotation(np.array([0, 0, np.pi / 2])) @ [1, 0, 0], [0, 1, 0], atol=1e-12)
    np.testing.assert_allclose(rotation(np.array([0.3, 0, 0])) @ [1, 0, 0], [1, 0, 0], atol=1e-12)
    np.testing.assert_array_equal(rotation(np.zeros(3)), np.eye(3))
    turn = rotation(np.array([0.2, -1.0, 0.4]))
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
    assert np.isclose(np.linalg.det(turn), 1)


def test_two_sensors_of_one_device_turn_together():
    steps, mask = draw(9, 6), np.ones(9, bool)
    augment = SeriesAugment(turn=0.5)
    both, _ = augment(steps, mask, rng())
    first, _ = augment(steps[:, :3], mask, rng())
    second, _ = augment(steps[:, 3:], mask, rng())
    np.testing.assert_array_equal(both, np.concatenate([first, second], axis=1))
    norms = [np.linalg.norm(x.reshape(9, 2, 3), axis=-1) for x in (both, steps)]
    np.testing.assert_allclose(*norms, rtol=1e-5)
    assert np.abs(both - steps).max() > 0.1


@pytest.mark.parametrize("pace", [0.5, 0.8, 1.0, 1.7, 3.0])
def test_a_straight_line_stays_one_with_another_slope(pace):
    line, mask = np.arange(20.0, dtype=np.float32)[:, None], np.arange(20) < 16
    found, left = paced(line * mask[:, None], mask, pace)
    count = int(left.sum())
    assert left[:count].all() and abs(count - min(16 / pace, 20)) < 1
    np.testing.assert_allclose(found[:count, 0], np.minimum(pace * np.arange(count), 15), rtol=1e-5, atol=1e-5)


def test_streams_stay_in_step_whatever_each_of_them_lacks():
    line = np.arange(40.0, dtype=np.float32)[:, None]
    augment, whole = SeriesAugment(pace=0.4), np.ones(40, bool)
    for seed in range(8):
        full, left = augment(line, whole, np.random.default_rng(seed))
        for lacking in (np.arange(40) < 30, np.arange(40) % 2 == 0, np.arange(40) >= 5):
            some, there = augment(line * lacking[:, None], lacking, np.random.default_rng(seed))
            assert 0 < there.sum() <= left.sum() and not there[~left].any()
            assert np.abs(some - full)[there].max() <= 0.5


def test_what_lies_beside_a_hole_is_the_nearest_and_what_is_masked_is_zero():
    steps, mask = np.ones((8, 1), np.float32), np.array([1, 1, 1, 0, 1, 1, 1, 1], bool)
    found, left = SeriesAugment(pace=0.4)(np.where(mask[:, None], steps, 0), mask, rng())
    assert 0 < left.sum() < 8 and not found[~left].any() and (found[left] == 1).all()
    noisy, same = SeriesAugment(pace=0.4, gain=0.1, noise=0.1)(steps, mask, rng())
    assert not noisy[~same].any() and noisy[same].all()
    nothing, none = SeriesAugment(pace=0.4)(steps, np.zeros(8, bool), rng())
    assert not none.any() and not nothing.any()


def test_gain_and_noise_have_the_deviations_that_are_told():
    steps, mask = np.full((2_000, 3), 2.0, np.float32), np.ones(2_000, bool)
    grown = np.array([SeriesAugment(gain=0.2)(steps[:1], mask[:1], np.random.default_rng(i))[0][0] for i in range(999)])
    assert abs(np.std(np.log(grown / 2)) - 0.2) < 0.01
    noisy, _ = SeriesAugment(noise=0.3)(steps, mask, rng())
    assert abs(np.std(noisy) - 0.3) < 0.01 and abs(np.mean(noisy) - 2) < 0.02


def test_wrong_fields_are_told():
    for name, value in {"turn": -1, "pace": 1e9, "gain": float("nan"), "noise": float("inf")}.items():
        with pytest.raises(ValueError, match=f"{name} is .*; expected 0 to "):
            SeriesAugment(**{name: value})
    with pytest.raises(ValueError, match="a series has 4 channels; turn takes threes of axes"):
        Series("x", 10, 4, augment=SeriesAugment(turn=0.1))
