"""Classes in order: the cost of each threshold, and the likelihood, against sigmoids."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.losses.cumulative_link import CumulativeLink
from mmjax.losses.ordinal_loss import OrdinalLoss

RNG = np.random.default_rng(0)
LOGITS = -np.sort(-RNG.normal(size=(6, 4), scale=2), axis=1).astype(np.float32)  # each row falls
TARGET = np.array([0, 1, 2, 3, 4, -1])
LOSSES = [OrdinalLoss(), CumulativeLink()]


def chance_above(b, k):
    """Of a class above k, which of one above -1 is 1 and of one above the last is 0."""
    if k < 0 or k >= LOGITS.shape[1]:
        return float(k < 0)
    return 1 / (1 + math.exp(-float(LOGITS[b, k])))


def test_it_is_the_surprise_at_each_answer_to_is_it_above():
    found = OrdinalLoss()(LOGITS, TARGET)
    for b, y in enumerate(TARGET[:5]):
        costs = [-math.log(chance_above(b, k) if y > k else 1 - chance_above(b, k)) for k in range(4)]
        np.testing.assert_allclose(found[b], sum(costs), rtol=1e-5)


def test_the_likelihood_of_a_class_is_what_lies_between_its_thresholds():
    found = CumulativeLink()(LOGITS, TARGET)
    for b, y in enumerate(TARGET[:5]):
        np.testing.assert_allclose(found[b], -math.log(chance_above(b, y - 1) - chance_above(b, y)), rtol=1e-4)
    every = [CumulativeLink()(LOGITS[:1], np.array([y])) for y in range(5)]
    np.testing.assert_allclose(np.exp(-np.array(every)).sum(), 1, rtol=1e-5)


def test_of_two_classes_both_are_the_binary_cross_entropy():
    for y, sign in ((0, 1), (1, -1)):
        expected = [math.log1p(math.exp(sign * float(logit))) for logit in LOGITS[:, 0]]
        for loss in LOSSES:
            np.testing.assert_allclose(loss(LOGITS[:, :1], np.full(6, y)), expected, rtol=1e-5)


def test_being_far_off_costs_more_than_being_off_by_one():
    sure_of_the_last = np.array([[9.0, 8, 7, 6]], np.float32)
    for loss in LOSSES:
        costs = [float(loss(sure_of_the_last, np.array([y]))[0]) for y in range(5)]
        assert costs == sorted(costs, reverse=True)


@pytest.mark.parametrize("loss", LOSSES, ids=["ordinal", "cumulative"])
def test_extreme_logits_and_thresholds_that_meet_have_finite_costs_and_gradients(loss):
    logits = np.array([[200.0, 100, -100, -200], [300.0, 300, 300, 300], [-90.0, -90, -91, -92]], np.float32)
    value = jax.jit(jax.value_and_grad(lambda logits, target: loss(logits, target).sum()))
    for y in range(-1, 5):
        assert all(np.isfinite(leaf).all() for leaf in value(logits, np.full(3, y)))


@pytest.mark.parametrize("loss", LOSSES, ids=["ordinal", "cumulative"])
def test_an_unknown_class_costs_nothing_and_pulls_nowhere(loss):
    cost, gradient = jax.value_and_grad(lambda logits: loss(logits, np.full(6, -1)).sum())(LOGITS)
    assert cost == 0 and not np.any(gradient)


@pytest.mark.parametrize("loss", LOSSES, ids=["ordinal", "cumulative"])
def test_bf16_logits_are_computed_with_in_fp32(loss):
    low = jnp.asarray(LOGITS, jnp.bfloat16)
    found = loss(low, TARGET)
    assert found.dtype == jnp.float32
    np.testing.assert_array_equal(found, loss(low.astype(jnp.float32), TARGET))
