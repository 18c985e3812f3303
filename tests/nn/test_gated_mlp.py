"""The gated feed-forward against its formula."""

import jax
import numpy as np

from mmjax.nn.gated_mlp import GatedMlp
from tests import reference


def test_it_multiplies_a_linear_map_by_the_gelu_of_another_and_has_no_bias():
    x = np.random.default_rng(0).normal(size=(2, 3, 4), scale=2).astype(np.float32)
    module = GatedMlp(hidden=5)
    params = reference.parameters(module, x)
    assert all(set(layer) == {"kernel"} for layer in params.values())
    np.testing.assert_allclose(jax.jit(module.apply)({"params": params}, x), reference.gated_mlp(x, params), atol=1e-5)
