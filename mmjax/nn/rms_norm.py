"""RMS norm: each token to a mean square of 1, then a scale (Zhang and Sennrich 2019, arXiv 1910.07467).

y = x / sqrt(mean(x^2) + epsilon) * scale,  the mean in fp32

The gradient is written out, so that x and one number a token are kept for it and nothing as large as x besides.
"""

from functools import partial

import jax
import jax.numpy as jnp
from flax import linen as nn


class RmsNorm(nn.Module):
    """x [..., D] to [..., D] of the same type."""

    epsilon: float = 1e-6

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        return rms_norm(x, self.param("scale", nn.initializers.ones, (x.shape[-1],)), self.epsilon)


@partial(jax.custom_vjp, nondiff_argnums=(2,))
def rms_norm(x: jax.Array, scale: jax.Array, epsilon: float) -> jax.Array:
    """x [..., D] with scale [D]."""
    return _forward(x, scale, epsilon)[0]


def _forward(x: jax.Array, scale: jax.Array, epsilon: float):
    # Without the barrier XLA computes a whole residual chain again in each of its consumers on some CPUs.
    x = jax.lax.optimization_barrier(x)
    wide = x.astype(jnp.float32)
    inverse = jax.lax.rsqrt(jnp.mean(wide**2, axis=-1, keepdims=True) + epsilon)
    return (wide * inverse * scale).astype(x.dtype), (x, inverse, scale)


def _backward(epsilon: float, kept, gradient: jax.Array) -> tuple[jax.Array, jax.Array]:
    x, inverse, scale = kept
    normed, wide = x.astype(jnp.float32) * inverse, gradient.astype(jnp.float32)
    inner = wide * scale
    dx = (inner - normed * jnp.mean(inner * normed, axis=-1, keepdims=True)) * inverse
    return dx.astype(x.dtype), jnp.sum(wide * normed, axis=tuple(range(x.ndim - 1))).astype(scale.dtype)


rms_norm.defvjp(_forward, _backward)
