"""Falling logits against their formula in a loop."""

import math

import jax
import numpy as np
import pytest

from mmjax.heads.ordinal import Ordinal
from tests import reference
from tests.heads.case import Case, hidden, tokens

CASES = {
    "ordinal": Case(Ordinal(classes=5, hidden=5)),
    "ordinal, two": Case(Ordinal(classes=2)),
}


@pytest.mark.parametrize(("name", "classes"), list(zip(CASES, (5, 2), strict=True)))
def test_logits_are_one_score_and_biases_that_fall_by_softplus(name, classes):
    given, module = tokens(), CASES[name].module
    params = reference.parameters(module, given, train=False)
    scores = reference.dense(hidden(given, params), params["score"])
    found = module.apply({"params": params}, given, train=False)
    assert found.shape == (4, classes - 1)
    for b in range(4):
        bias = float(params["first_bias"][0])
        for k in range(classes - 1):
            if k:
                bias -= math.log1p(math.exp(params["falls_bias"][k - 1]))
            np.testing.assert_allclose(found[b, k], scores[b, 0] + bias, atol=1e-5)


def test_probabilities_of_being_above_fall_whatever_the_parameters_are():
    given, module = tokens(), Ordinal(classes=6)
    run = jax.jit(lambda params: module.apply({"params": params}, given, train=False))
    for seed in range(5):
        params = reference.parameters(module, given, train=False, seed=seed)
        assert (np.diff(run(jax.tree.map(lambda leaf: 20 * leaf, params)), axis=1) <= 0).all()


def test_in_the_beginning_every_class_is_equally_likely_at_a_score_of_zero():
    given, module = tokens(), Ordinal(classes=5)
    params = module.init(jax.random.key(0), given, train=False)["params"]
    nothing = module.apply({"params": params}, given.replace(mask=np.zeros_like(given.mask)), train=False)
    np.testing.assert_allclose(jax.nn.sigmoid(nothing[0]), [0.8, 0.6, 0.4, 0.2], atol=1e-5)


def test_an_order_of_fewer_than_two_is_refused():
    with pytest.raises(ValueError, match="classes is 1; expected at least 2"):
        Ordinal(classes=1)
