"""Losses of what is known about labels against a sum over all worlds, which is what they stand for."""

import itertools
import math
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.core.build import ConfigError, build, use
from mmjax.losses.at_most_one import AtMostOne
from mmjax.losses.implies import Implies
from mmjax.losses.knowledge import Knowledge
from mmjax.losses.one_of import OneOf
from tests.reference import compiled

RNG = np.random.default_rng(0)


def implied(world):
    return world[1] if world[0] else True


CASES = [
    pytest.param(Implies("a", "b"), implied, id="implies"),
    pytest.param(OneOf(("a", "b")), lambda world: sum(world) == 1, id="one of two"),
    pytest.param(OneOf(("a", "b", "c", "d")), lambda world: sum(world) == 1, id="one of four"),
    pytest.param(AtMostOne(("a", "b")), lambda world: sum(world) < 2, id="at most one of two"),
    pytest.param(AtMostOne(("a", "b", "c", "d")), lambda world: sum(world) < 2, id="at most one of four"),
]


def worlds(labels):
    return list(itertools.product((False, True), repeat=labels))


def surprise(logits, holds):
    """-ln of the chance of the worlds in which it holds, where each label holds with the chance of its logit."""
    chances = [
        math.prod(1 / (1 + math.exp(-z if true else z)) for z, true in zip(logits, world, strict=True))
        for world in worlds(len(logits))
        if holds(world)
    ]
    return -math.log(sum(chances))


@pytest.mark.parametrize(("known", "holds"), CASES)
def test_it_is_the_surprise_at_the_worlds_in_which_it_holds_with_its_slope_and_finite_for_any_logits(known, holds):
    assert isinstance(known, Knowledge)
    labels = len(known.labels)
    moderate = RNG.normal(size=(6, labels), scale=3)
    moderate[5] = [60, -60, 50, -50][:labels]
    extreme = list(itertools.product([-1e30, -1e4, -90, 0, 90, 1e4, 1e30], repeat=labels))
    logits = np.concatenate([moderate, extreme]).astype(np.float32)
    found, slope = compiled(jax.vmap(jax.value_and_grad(lambda z: known(z[None])[0])))(logits)
    assert np.isfinite(found).all() and np.isfinite(slope).all() and np.abs(slope).max() <= 1
    for b, row in enumerate(logits[:6].astype(np.float64)):
        np.testing.assert_allclose(found[b], surprise(row, holds), rtol=1e-5, atol=1e-5)
        for k, step in enumerate(1e-5 * np.eye(labels)):
            wanted = (surprise(row + step, holds) - surprise(row - step, holds)) / 2e-5
            np.testing.assert_allclose(slope[b, k], wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("known", "holds"), CASES)
def test_what_is_said_keeps_to_it_in_just_these_worlds(known, holds):
    every = worlds(len(known.labels))
    np.testing.assert_array_equal(known.kept(np.array(every)), [holds(world) for world in every])


@pytest.mark.parametrize("known", [Implies("a", "b"), OneOf(("a", "b")), AtMostOne(("a", "b"))])
def test_bf16_logits_are_computed_with_in_fp32(known):
    low = jnp.asarray([[0.3, -2], [5, 4]], jnp.bfloat16)
    found = compiled(known)(low)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, compiled(known)(np.asarray(low, np.float32)), rtol=1e-6)


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (partial(Implies, "a", "a"), r"it is about the labels \('a', 'a'\); expected two or more, each once"),
        (partial(OneOf, ("a",)), r"it is about the labels \('a',\); expected two or more"),
        (partial(AtMostOne, ("a", "b", "a")), r"it is about the labels \('a', 'b', 'a'\); expected two or more"),
        (partial(OneOf, ("a", "b"), weight=-1.0), "weight is -1.0; expected 0, which only tells the loss, or more"),
    ],
)
def test_what_says_nothing_is_refused(made, told):
    with pytest.raises(ValueError, match=told):
        made()


def test_a_loss_of_another_kind_is_no_knowledge():
    node = use("tasks.multi_label", model=use("nn.pool"), constraints={"cats": use("losses.squared_error")})
    with pytest.raises(ConfigError, match=r"constraints\.cats is .*SquaredError.*; expected .*Knowledge"):
        build(node)
