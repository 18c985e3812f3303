"""Log probabilities against exponentials, and the one class that is no decision."""

import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.nn.log_probabilities import log_probabilities


def test_they_are_logarithms_of_a_softmax_in_fp32():
    logits = np.array([[0.0, 1.0, -2.0], [5.0, 5.0, 5.0]])
    powers = np.exp(logits)
    found = log_probabilities(jnp.asarray(logits, jnp.bfloat16))
    assert found.dtype == jnp.float32
    np.testing.assert_allclose(found, np.log(powers / powers.sum(1, keepdims=True)), atol=1e-5)


def test_one_class_alone_is_no_decision():
    with pytest.raises(ValueError, match="at least 2 classes, given 1"):
        log_probabilities(jnp.zeros((3, 1)))
