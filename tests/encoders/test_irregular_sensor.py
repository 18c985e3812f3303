"""Readings at any times against loops; what counts is when they were, not which number they have."""

import jax
import numpy as np
import pytest

from mmjax.core.precision import cast
from mmjax.encoders.irregular_sensor import IrregularSensor
from tests import reference
from tests.encoders import loops
from tests.encoders.case import DIM, Case, lengths

RNG = np.random.default_rng(0)
TIMES = np.cumsum(RNG.uniform(0.1, 3, (3, 5)), axis=1)
READINGS = np.concatenate([TIMES[..., None], RNG.normal(size=(3, 5, 2))], axis=-1).astype(np.float32)
MASK = lengths(4, 0, 5, size=5)
SENSOR = IrregularSensor(dim=DIM, unit=0.5, layers=1, heads=2, hidden=6)
CASES = {"irregular_sensor": Case(SENSOR, READINGS, MASK)}
NOT_READ = READINGS.copy()
NOT_READ[[0, 2, 2], [1, 3, 4], [2, 1, 2]] = np.nan


@pytest.fixture(scope="module")
def params():
    return reference.parameters(SENSOR, READINGS, MASK, train=False)


def run(params, readings, mask=MASK):
    return loops.run(SENSOR, params, readings, mask)


@pytest.mark.parametrize("readings", [READINGS, NOT_READ], ids=["all", "some not read"])
def test_a_token_is_what_was_read_whether_it_was_and_when(params, readings):
    x = np.zeros((3, 5, DIM))
    for b, t in np.ndindex(3, 5):
        read = readings[b, t, 1:]
        inputs = [0 if np.isnan(v) else v for v in read] + [0 if np.isnan(v) else 1 for v in read]
        x[b, t] = reference.dense(np.array([inputs]), params["reading"])[0]
        x[b, t] += loops.waves((readings[b, t, 0] - readings[b, 0, 0]) / 0.5, DIM)
    loops.close(run(params, readings), loops.transformer(x, params["transformer"], MASK, heads=2), MASK)


def test_another_start_of_the_clock_and_another_order_of_the_readings_change_nothing(params):
    found = run(params, READINGS)
    later = READINGS + np.array([64, 0, 0], np.float32)
    np.testing.assert_allclose(run(params, later).x[2], found.x[2], atol=1e-3)
    turned = run(params, READINGS[:, ::-1], MASK[:, ::-1])
    np.testing.assert_allclose(turned.x[2, ::-1], found.x[2], atol=1e-4)
    slower = READINGS * np.array([2, 1, 1], np.float32)
    assert np.abs(run(params, slower).x[2] - found.x[2]).max() > 0.01


def test_in_bf16_times_keep_their_digits(params):
    """A second after 3 hours is one step of a clock in fp32; in bf16 both times would be the same."""
    low, readings = cast(params, "bfloat16"), READINGS.copy()
    readings[..., 0] = 10_800 + np.arange(5)
    turned = readings.copy()
    turned[..., 0] -= 10_800
    found = run(low, readings)
    assert found.x.dtype == "bfloat16"
    np.testing.assert_array_equal(found.x[2], run(low, turned).x[2])
    still = readings.copy()
    still[..., 0] = 10_800
    assert np.abs(np.asarray(found.x[2] - run(low, still).x[2], np.float32)).max() > 0.1


def test_what_has_no_channel_or_no_unit_is_refused():
    with pytest.raises(ValueError, match="readings take the time and at least one channel"):
        jax.eval_shape(lambda: SENSOR.init(jax.random.key(0), READINGS[..., :1], MASK, train=False))
    with pytest.raises(ValueError, match=r"unit is 0\.0; expected more than 0 seconds"):
        IrregularSensor(dim=8, unit=0.0)
    with pytest.raises(ValueError, match="dim is 7; expected an even width"):
        IrregularSensor(dim=7, heads=1)
