"""The feed-forwards against scalar formulas."""

import jax
import numpy as np
import pytest

from mmjax.nn.gated_mlp import GatedMlp
from mmjax.nn.mlp import Mlp
from tests import reference

X = np.random.default_rng(0).normal(size=(2, 3, 4), scale=2).astype(np.float32)


@pytest.mark.parametrize("approximate", [True, False])
def test_mlp_is_two_linear_maps_with_gelu_between_in_the_form_asked_for(approximate):
    module = Mlp(hidden=5, approximate=approximate)
    params = reference.parameters(module, X)
    inner = reference.dense(X, params["up"])
    bent = reference.gelu_tanh(inner) if approximate else reference.gelu(inner)
    found = jax.jit(module.apply)({"params": params}, X)
    # The two forms of GELU differ by up to 5e-4.
    np.testing.assert_allclose(found, reference.dense(bent, params["down"]), atol=1e-5)


def test_gated_mlp_multiplies_a_linear_map_by_the_gelu_of_another_and_has_no_bias():
    module = GatedMlp(hidden=5)
    params = reference.parameters(module, X)
    assert all(set(layer) == {"kernel"} for layer in params.values())
    np.testing.assert_allclose(jax.jit(module.apply)({"params": params}, X), reference.gated_mlp(X, params), atol=1e-5)
