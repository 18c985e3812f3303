"""A linear map whose kernel's gradient is written out: y = x W, dx = g W', dW = x' g or (g' x)'.

Autodiff always forms (g' x)'. XLA on a CPU copies g to turn it, and where g is wide, two threads do so several times
slower than one. Here the narrower of x and g is turned. Where that is g, XLA would make x' g of it again and
read columns of x, whose values, a power of two apart, share a few sets of the cache: a CPU turns g' x in blocks. On
other backends all of it is one product.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from einops import rearrange
from flax import linen as nn

LINE = 16  # floats in a line of the cache


@jax.custom_vjp
def product(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """x [..., D] times kernel [D, F]: [..., F], in their type."""
    return x @ kernel


def _backward(kept: tuple[jax.Array, jax.Array], gradient: jax.Array) -> tuple[jax.Array, jax.Array]:
    x, kernel = kept
    rows = tuple(range(x.ndim - 1))
    over = partial(jax.lax.dot_general, dimension_numbers=((rows, rows), ((), ())))
    narrower = x.shape[-1] <= gradient.shape[-1]
    if narrower:
        return gradient @ kernel.T, over(x, gradient)
    return gradient @ kernel.T, jax.lax.platform_dependent(over(gradient, x), cpu=_turned, default=jnp.transpose)


def _turned(matrix: jax.Array) -> jax.Array:
    """[F, D] as [D, F] in two passes, each of which reads and writes at least a line of the cache at once."""
    if matrix.shape[1] % LINE:
        return matrix.T
    # Barriers keep XLA from making one pass of the two, and none of them and the product before.
    blocks = rearrange(jax.lax.optimization_barrier(matrix), "f (d line) -> d f line", line=LINE)
    return rearrange(jax.lax.optimization_barrier(blocks), "d f line -> (d line) f")


product.defvjp(lambda x, kernel: (x @ kernel, (x, kernel)), _backward)


def _dot_general(x: jax.Array, kernel: jax.Array, dimensions: Any, precision: None = None) -> jax.Array:
    """`product` as flax's Dense calls it: over the last axis of x and the first of a matrix."""
    return product(x, kernel)


Dense = partial(nn.Dense, dot_general=_dot_general)


def starting(share: float) -> nn.initializers.Initializer:
    """How kernels start whose deviation is a share of other layers' own."""
    return nn.initializers.variance_scaling(share**2, "fan_in", "truncated_normal")
