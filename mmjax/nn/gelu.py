"""GELU in its tanh form and as it is defined (Hendrycks and Gimpel 2016, arXiv 1606.08415).

gelu(x) = x/2 (1 + tanh(c (x + 0.044715 x^3))),  c = sqrt(2 / pi)
exact_gelu(x) = x P,  P = (1 + erf(x / sqrt(2))) / 2,  exact_gelu'(x) = P + x exp(-x^2 / 2) / sqrt(2 pi)

The gradients are written out, so that x alone is kept for them. By itself autodiff keeps the tanh or P too, as large as
the largest activations of a transformer: on a CPU it is faster to compute it again than to reach fresh memory.
"""

import math

import jax
import jax.numpy as jnp

SLOPE, CUBE = math.sqrt(2 / math.pi), 0.044715


@jax.custom_vjp
def gelu(x: jax.Array) -> jax.Array:
    """x of any shape, element by element."""
    return 0.5 * x * (1 + _tanh(x))


def _tanh(x: jax.Array) -> jax.Array:
    return jnp.tanh(SLOPE * (x + CUBE * x * x * x))


def _backward(x: jax.Array, gradient: jax.Array) -> tuple[jax.Array]:
    # The barrier hides that this tanh was known before, or the compiler would keep that one.
    x = jax.lax.optimization_barrier(x)
    tanh = _tanh(x)
    slope = 0.5 * (1 + tanh) + 0.5 * x * (1 - tanh * tanh) * SLOPE * (1 + 3 * CUBE * x * x)
    return (gradient * slope,)


gelu.defvjp(lambda x: (gelu(x), x), _backward)


@jax.custom_vjp
def exact_gelu(x: jax.Array) -> jax.Array:
    """x of any shape, element by element."""
    return (x * _share(x)).astype(x.dtype)


def _share(x: jax.Array) -> jax.Array:
    """How much of a standard normal lies below x, in fp32: of fewer digits 1 + erf would leave none where x < 0."""
    return 0.5 * (1 + jax.lax.erf(x.astype(jnp.promote_types(x.dtype, jnp.float32)) * math.sqrt(0.5)))


def _exact_backward(x: jax.Array, gradient: jax.Array) -> tuple[jax.Array]:
    x = jax.lax.optimization_barrier(x)  # as above
    slope = _share(x) + x * jnp.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)
    return ((gradient * slope).astype(x.dtype),)


exact_gelu.defvjp(lambda x: (exact_gelu(x), x), _exact_backward)
