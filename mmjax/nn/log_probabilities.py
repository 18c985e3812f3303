"""What a classifier says of each class, as fusions of decisions take it: log softmax(x)."""

import jax
import jax.numpy as jnp


def log_probabilities(logits: jax.Array) -> jax.Array:
    """Logits [..., C] to log probabilities in fp32.

    Raises:
        ValueError: there is one class only, whose probability is always 1.
    """
    if logits.shape[-1] < 2:
        raise ValueError("a fusion of decisions takes logits of at least 2 classes, given 1; a number is no decision")
    return jax.nn.log_softmax(logits.astype(jnp.float32), axis=-1)
