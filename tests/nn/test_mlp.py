"""The feed-forward against its formula."""

import jax
import numpy as np
import pytest

from mmjax.nn.mlp import Mlp
from tests import reference


@pytest.mark.parametrize("approximate", [True, False])
def test_it_is_two_linear_maps_with_gelu_between_in_the_form_asked_for(approximate):
    x = np.random.default_rng(0).normal(size=(2, 3, 4), scale=2).astype(np.float32)
    module = Mlp(hidden=5, approximate=approximate)
    params = reference.parameters(module, x)
    inner = reference.dense(x, params["up"])
    bent = reference.gelu_tanh(inner) if approximate else reference.gelu(inner)
    found = jax.jit(module.apply)({"params": params}, x)
    # The two forms of GELU differ by up to 5e-4.
    np.testing.assert_allclose(found, reference.dense(bent, params["down"]), atol=1e-5)
