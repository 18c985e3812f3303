"""Which position may see which: masks for attention, True = may be seen.

causal(3)             prefix(4, 2)            keys([1 1 0]) = [[1 1 0]]   broadcast over queries
1 0 0                 1 1 0 0                 a causal mask AND keys(...) pads a causal decoder
1 1 0                 1 1 0 0
1 1 1                 1 1 1 0
                      1 1 1 1
"""

import jax
import jax.numpy as jnp
from einops import rearrange


def keys(mask: jax.Array) -> jax.Array:
    """[B, S] real keys to [B, 1, S], for every query alike."""
    return rearrange(mask, "b s -> b 1 s")


def causal(length: int) -> jax.Array:
    """[1, L, L]: position l sees positions up to and with l."""
    return prefix(length, 0)


def prefix(length: int, seen: int) -> jax.Array:
    """[1, L, L]: the first `seen` positions see each other, the rest see what came before (prefix-LM)."""
    at = jnp.arange(length)
    return rearrange((at[:, None] >= at) | (at < seen), "l s -> 1 l s")


def until(length: int, index: jax.Array) -> jax.Array:
    """[1, 1, L]: a cache of L places in which those up to and with `index` are filled."""
    return rearrange(jnp.arange(length) <= index, "s -> 1 1 s")
