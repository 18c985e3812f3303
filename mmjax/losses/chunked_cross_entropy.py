"""Cross-entropy over a large vocabulary that never holds the logits of all tokens: they are made chunk by chunk.

objective = sum over real tokens of cross_entropy + w z_loss of the logits z = x kernel
dx = dz kernel',  dkernel = sum over chunks of x' dz

The gradients of a chunk's logits are formed in the forward pass, while they are there, so that nothing is computed
again; going backward only scales them (Hsu et al. 2024, Liger Kernel, arXiv 2410.10989).
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from einops import rearrange
from jax.sharding import PartitionSpec

from mmjax.core.partition import batch_ways, constrain_batch
from mmjax.losses.cross_entropy import cross_entropy, right, z_loss

# A tensor axis that splits the vocabulary splits logits and the kernel's gradient too.
_split = partial(constrain_batch, others=PartitionSpec.UNCONSTRAINED)


class Chunked(NamedTuple):
    """The sum over real tokens that is to be minimised, fp32, and what it is made of, token by token [N].

    Only `objective` has a gradient. Tokens that are not real have some finite value.
    """

    objective: jax.Array
    cross_entropy: jax.Array
    z_loss: jax.Array
    right: jax.Array


def chunked_cross_entropy(
    x: jax.Array,
    kernel: jax.Array,
    target: jax.Array,
    real: jax.Array,
    *,
    chunk: int,
    smoothing: float = 0.0,
    z_weight: float = 0.0,
) -> Chunked:
    """Of the logits x [N, D] times kernel [D, V] for target ids [N], where real [N] bool; see `cross_entropy`.

    On each device at most `chunk` tokens have logits at a time, in fp32 whatever the type of x and kernel. Time is lost
    where `chunk` is below D: the gradient of the kernel is read and written once a chunk.

    Raises:
        ValueError: `chunk` is below 1.
    """
    if chunk < 1:
        raise ValueError(f"chunk is {chunk}; expected at least 1 token")
    # What lies under a False mask may be anything, and 0 * nan is no 0.
    x, target = jnp.where(real[:, None], x, 0), jnp.where(real, target, 0)
    return _chunked(x, kernel, target, real, chunk, smoothing, z_weight)


@partial(jax.custom_vjp, nondiff_argnums=(4, 5, 6))
def _chunked(x, kernel, target, real, chunk, smoothing, z_weight) -> Chunked:
    """Without gradients: only where nobody asks for them."""

    def some(_, rows):
        x, target, real = rows
        _, each = _objective(_logits(x, kernel), target, real, smoothing, z_weight)
        return None, each

    _, each = jax.lax.scan(some, None, _cut((x, target, real), chunk))
    return _summed(_joined(each, len(x)), real, z_weight)


def _forward(x, kernel, target, real, chunk, smoothing, z_weight):
    def some(dkernel, rows):
        x, target, real = rows
        logits = _logits(x, kernel)
        dlogits, each = jax.grad(_objective, has_aux=True)(logits, target, real, smoothing, z_weight)
        dlogits = _split(dlogits.astype(x.dtype))
        dx = jnp.einsum("scv,dv->scd", dlogits, kernel)
        # Each device adds up its own tokens' part: in a sum over all of them devices would wait for each other here.
        more = jnp.einsum("scd,scv->sdv", x, dlogits, preferred_element_type=jnp.float32)
        return _split(dkernel + more), (each, dx)

    zeros = _split(jnp.zeros((batch_ways(), *kernel.shape), jnp.float32))
    dkernel, (each, dx) = jax.lax.scan(some, zeros, _cut((x, target, real), chunk))
    gradients = _joined(dx, len(x)), jnp.sum(dkernel, axis=0).astype(kernel.dtype)
    return _summed(_joined(each, len(x)), real, z_weight), gradients


def _backward(chunk, smoothing, z_weight, gradients, cotangents: Chunked):
    dx, dkernel = jax.tree.map(lambda g: (cotangents.objective * g).astype(g.dtype), gradients)
    return dx, dkernel, None, None


_chunked.defvjp(_forward, _backward)


def _logits(x: jax.Array, kernel: jax.Array) -> jax.Array:
    return _split(jnp.einsum("scd,dv->scv", x, kernel, preferred_element_type=jnp.float32))


def _objective(logits, target, real, smoothing, z_weight):
    """The sum over a chunk's real tokens, and its (cross_entropy, z_loss, right), each [S, c]."""
    each = cross_entropy(logits, target, smoothing), z_loss(logits), right(logits, target)
    return _summed(each, real, z_weight).objective, each


def _summed(each: tuple[jax.Array, jax.Array, jax.Array], real: jax.Array, z_weight: float) -> Chunked:
    cross, z, _ = each
    return Chunked(jnp.sum(jnp.where(real, cross + z_weight * z, 0)), *each)


def _cut(rows, chunk: int):
    """Arrays [N, ...] to [m, S, c, ...]: m times c <= chunk tokens of each of the S parts that lie on S devices."""

    def cut(x):
        x = rearrange(x, "(s n) ... -> s n ...", s=batch_ways())
        n = x.shape[1]
        m = -(-n // chunk)
        # Chunks of one size, so that fewer than m tokens are added.
        x = jnp.pad(x, [(0, 0), (0, -n % m), *[(0, 0)] * (x.ndim - 2)])
        return rearrange(constrain_batch(x), "s (m c) ... -> m s c ...", m=m)

    return jax.tree.map(cut, rows)


def _joined(parts, n: int):
    """Arrays [m, S, c, ...] of chunks to [n, ...], without what was added."""

    def join(x):
        x = rearrange(x, "m s c ... -> s (m c) ...")
        return rearrange(x[:, : n // batch_ways()], "s n ... -> (s n) ...")

    return jax.tree.map(join, parts)
