"""The norm that keeps its scale as an offset from one, against the plain RMS norm."""

import jax
import jax.numpy as jnp
import numpy as np

from mmjax.nn.offset_rms_norm import OffsetRmsNorm
from tests import reference

X = np.random.default_rng(0).normal(size=(2, 3, 5)).astype(np.float32)


def test_it_is_the_rms_norm_whose_scale_is_one_and_the_parameter():
    params = reference.parameters(OffsetRmsNorm(), X)
    expected = reference.rms_norm(X, {"scale": 1 + params["scale"]})
    np.testing.assert_allclose(OffsetRmsNorm().apply({"params": params}, X), expected, atol=1e-5)
    fresh = OffsetRmsNorm().init(jax.random.key(0), X)
    np.testing.assert_allclose(OffsetRmsNorm().apply(fresh, X), reference.rms_norm(X, {"scale": 1}), atol=1e-5)


def test_in_bf16_small_offsets_are_not_lost_before_they_are_added():
    x = jnp.ones((1, 4), jnp.bfloat16)
    offset = {"params": {"scale": jnp.full(4, 2**-7 + 2**-9, jnp.bfloat16)}}
    assert OffsetRmsNorm().apply(offset, x).dtype == jnp.bfloat16
    twice = {"params": {"scale": jnp.full(4, 2**-7, jnp.bfloat16)}}
    assert OffsetRmsNorm().apply(offset, x)[0, 0] >= OffsetRmsNorm().apply(twice, x)[0, 0] == 1 + 2**-7
