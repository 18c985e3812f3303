"""Cross-entropy of a categorical prediction, with label smoothing and the z-loss.

cross_entropy = logsumexp(z) - (1 - s) z_target - s mean(z)      (smoothing: Szegedy et al. 2016, arXiv 1512.00567)
z_loss = logsumexp(z)^2                                          (keeps logits small: Chowdhery et al. 2022, 2204.02311)
"""

import jax
import jax.numpy as jnp


def cross_entropy(logits: jax.Array, target: jax.Array, smoothing: float = 0.0) -> jax.Array:
    """[...] fp32 from logits [..., V] and target ids [...]; `smoothing` s spreads that much evenly over all V."""
    logits = logits.astype(jnp.float32)
    of_target = jnp.take_along_axis(logits, target[..., None], axis=-1)[..., 0]
    aim = (1 - smoothing) * of_target + smoothing * jnp.mean(logits, axis=-1) if smoothing else of_target
    return jax.nn.logsumexp(logits, axis=-1) - aim


def z_loss(logits: jax.Array) -> jax.Array:
    """[...] fp32 from logits [..., V]."""
    return jnp.square(jax.nn.logsumexp(logits.astype(jnp.float32), axis=-1))


def right(logits: jax.Array, target: jax.Array) -> jax.Array:
    """[...] bool from logits [..., V]: target == argmax, which takes XLA on CPU longer than the two maxima here."""
    target = target[..., None]
    of_target = jnp.take_along_axis(logits, target, axis=-1)[..., 0]
    before = jnp.max(jnp.where(jnp.arange(logits.shape[-1]) < target, logits, -jnp.inf), axis=-1)
    return (jnp.max(logits, axis=-1) <= of_target) & (before < of_target)
