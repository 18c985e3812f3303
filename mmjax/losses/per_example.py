"""What losses of numbers share: prediction and target brought to one shape, and one value for each example.

Targets that are NaN are unknown and count nowhere: [1, NaN] has the loss of its first number.
"""

import jax
import jax.numpy as jnp


def matched(prediction: jax.Array, target: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Prediction and target [B, ...] in fp32, and which targets are known, bool; 0 stands for unknown ones.

    A target [B] may stand for [B, 1].

    Raises:
        ValueError: the shapes differ.
    """
    if jnp.ndim(target) == 1 and jnp.shape(prediction) == (len(target), 1):
        target = target[:, None]
    if jnp.shape(target) != jnp.shape(prediction):
        raise ValueError(
            f"the target has shape {jnp.shape(target)} and the prediction {jnp.shape(prediction)}; make the head's "
            "outputs as many as the data has numbers"
        )
    target = jnp.asarray(target, jnp.float32)
    known = ~jnp.isnan(target)
    # Chosen before any product, or an unknown target would make the gradient NaN under every mask.
    return jnp.asarray(prediction, jnp.float32), jnp.where(known, target, 0), known


def mean_of_known(values: jax.Array, known: jax.Array) -> jax.Array:
    """[B] from values and known [B, ...]: the mean of those that are known, and 0 where none is."""
    rest = tuple(range(1, values.ndim))
    total = jnp.sum(jnp.where(known, values, 0), axis=rest)
    return total / jnp.maximum(jnp.sum(known, axis=rest, dtype=jnp.float32), 1)
