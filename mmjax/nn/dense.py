"""A linear map whose kernel's gradient is written out: y = x W, dx = g W', dW = x' g or (g' x)'.

Autodiff always forms (g' x)'. XLA on a CPU copies g to turn it, and where g is wide, two threads do so several times
slower than one. Here the narrower of x and g is turned; on other backends both are one product.
"""

from functools import partial
from typing import Any

import jax
from flax import linen as nn


@jax.custom_vjp
def product(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """x [..., D] times kernel [D, F]: [..., F], in their type."""
    return x @ kernel


def _backward(kept: tuple[jax.Array, jax.Array], gradient: jax.Array) -> tuple[jax.Array, jax.Array]:
    x, kernel = kept
    rows = tuple(range(x.ndim - 1))
    over = partial(jax.lax.dot_general, dimension_numbers=((rows, rows), ((), ())))
    narrower = x.shape[-1] <= gradient.shape[-1]
    return gradient @ kernel.T, over(x, gradient) if narrower else over(gradient, x).T


product.defvjp(lambda x, kernel: (x @ kernel, (x, kernel)), _backward)


def _dot_general(x: jax.Array, kernel: jax.Array, dimensions: Any, precision: None = None) -> jax.Array:
    """`product` as flax's Dense calls it: over the last axis of x and the first of a matrix."""
    return product(x, kernel)


Dense = partial(nn.Dense, dot_general=_dot_general)
