"""Points on the sphere against their formula in a loop."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.heads.embed import Embed
from tests import reference
from tests.heads.case import Case, hidden, tokens

CASES = {"embed": Case(Embed(features=4))}


@pytest.mark.parametrize("module", [Embed(features=4), Embed(features=3, hidden=5)])
def test_it_is_a_linear_map_of_the_features_divided_by_its_length(module):
    given = tokens()
    params = reference.parameters(module, given, train=False)
    raw = reference.dense(hidden(given, params), params["projection"])
    found = module.apply({"params": params}, given, train=False)
    for b in range(4):
        length = math.sqrt(sum(value**2 for value in raw[b]))
        np.testing.assert_allclose(found[b], raw[b] / (length or 1), atol=1e-5)
        np.testing.assert_allclose(np.linalg.norm(found[b]), 1 if length else 0, atol=1e-6)


def test_what_has_no_direction_pulls_on_no_parameter_without_bound():
    given, module = tokens(), CASES["embed"].module
    params = reference.parameters(module, given, train=False)

    def loss(x):
        return jnp.sum(module.apply({"params": params}, given.replace(x=x), train=False))

    assert np.abs(jax.jit(jax.grad(loss))(np.zeros_like(given.x))).max() < 10


def test_no_feature_at_all_is_refused():
    with pytest.raises(ValueError, match="features is 0; expected at least 1"):
        Embed(features=0)
