"""Squared, absolute and Huber's error against their definitions, number by number."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.core.build import build, use
from mmjax.losses.absolute_error import AbsoluteError
from mmjax.losses.huber import Huber
from mmjax.losses.squared_error import SquaredError

RNG = np.random.default_rng(0)
PREDICTION = RNG.normal(size=(5, 3), scale=2).astype(np.float32)
TARGET = np.where(np.eye(5, 3, dtype=bool), np.nan, RNG.normal(size=(5, 3))).astype(np.float32)
TARGET[4] = np.nan


def huber(delta):
    return lambda e: e**2 / 2 if abs(e) <= delta else delta * (abs(e) - delta / 2)


LOSSES = [
    (SquaredError(), lambda e: e**2, lambda e: 2 * e),
    (AbsoluteError(), abs, np.sign),
    (Huber(), huber(1), lambda e: np.clip(e, -1, 1)),
    (Huber(delta=0.3), huber(0.3), lambda e: np.clip(e, -0.3, 0.3)),
]


@pytest.mark.parametrize(("loss", "of", "slope"), LOSSES)
def test_it_is_the_mean_over_the_known_numbers_of_an_example(loss, of, slope):
    found = loss(PREDICTION, TARGET)
    gradient = jax.grad(lambda prediction: loss(prediction, TARGET).sum())(PREDICTION)
    for b in range(5):
        known = [o for o in range(3) if not np.isnan(TARGET[b, o])]
        values = [of(float(PREDICTION[b, o]) - float(TARGET[b, o])) for o in known]
        np.testing.assert_allclose(found[b], sum(values) / max(len(values), 1), rtol=1e-5)
        for o in range(3):
            expected = slope(PREDICTION[b, o] - TARGET[b, o]) / len(known) if o in known else 0
            np.testing.assert_allclose(gradient[b, o], expected, rtol=1e-5)


@pytest.mark.parametrize(("loss", "of", "slope"), LOSSES)
def test_bf16_predictions_are_computed_with_in_fp32(loss, of, slope):
    low = jnp.asarray(PREDICTION, jnp.bfloat16)
    found = loss(low, TARGET)
    assert found.dtype == jnp.float32
    np.testing.assert_array_equal(found, loss(low.astype(jnp.float32), TARGET))


def test_a_config_names_them_by_their_files():
    assert build(use("losses.huber", delta=0.5)) == Huber(delta=0.5)
    assert build(use("losses.squared_error")) == SquaredError()
    assert build(use("losses.absolute_error")) == AbsoluteError()


def test_a_delta_that_is_no_error_is_refused():
    with pytest.raises(ValueError, match="delta is 0; expected an error above 0"):
        Huber(delta=0)
