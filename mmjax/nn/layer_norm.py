"""Layer norm: each token to mean 0 and variance 1, then a scale and a bias (Ba et al. 2016, arXiv 1607.06450).

y = (x - mean) / sqrt(variance + epsilon) * scale + bias,  statistics in fp32

The gradient is written out, so that x and two numbers a token are kept for it and nothing as large as x besides.
"""

from functools import partial

import jax
import jax.numpy as jnp
from flax import linen as nn


class LayerNorm(nn.Module):
    """x [..., D] to [..., D] of the same type."""

    epsilon: float = 1e-6

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        scale = self.param("scale", nn.initializers.ones, (x.shape[-1],))
        bias = self.param("bias", nn.initializers.zeros, (x.shape[-1],))
        return layer_norm(x, scale, bias, self.epsilon)


@partial(jax.custom_vjp, nondiff_argnums=(3,))
def layer_norm(x: jax.Array, scale: jax.Array, bias: jax.Array, epsilon: float) -> jax.Array:
    """x [..., D] with scale and bias [D]."""
    return _forward(x, scale, bias, epsilon)[0]


def _forward(x: jax.Array, scale: jax.Array, bias: jax.Array, epsilon: float):
    # Without the barrier XLA computes a whole residual chain again in each of its consumers on some CPUs.
    x = jax.lax.optimization_barrier(x)
    wide = x.astype(jnp.float32)
    mean = jnp.mean(wide, axis=-1, keepdims=True)
    inverse = jax.lax.rsqrt(jnp.mean((wide - mean) ** 2, axis=-1, keepdims=True) + epsilon)
    y = ((wide - mean) * inverse * scale + bias).astype(x.dtype)
    return y, (x, mean, inverse, scale, bias)


def _backward(epsilon: float, kept, gradient: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    x, mean, inverse, scale, bias = kept
    normed, wide = (x.astype(jnp.float32) - mean) * inverse, gradient.astype(jnp.float32)
    inner = wide * scale
    along = jnp.mean(inner * normed, axis=-1, keepdims=True)
    dx = (inner - jnp.mean(inner, axis=-1, keepdims=True) - normed * along) * inverse
    tokens = tuple(range(x.ndim - 1))
    dscale, dbias = jnp.sum(wide * normed, axis=tokens), jnp.sum(wide, axis=tokens)
    return dx.astype(x.dtype), dscale.astype(scale.dtype), dbias.astype(bias.dtype)


layer_norm.defvjp(_forward, _backward)
