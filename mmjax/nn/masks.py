"""Which position may see which: masks for attention, True = may be seen.

causal(3)             prefix(4, 2)            keys([1 1 0]) = [[1 1 0]]   broadcast over queries
1 0 0                 1 1 0 0                 a causal mask AND keys(...) pads a causal decoder
1 1 0                 1 1 0 0
1 1 1                 1 1 1 0
                      1 1 1 1

asked(4, 2, 2)        of a picture of two tokens and a text of two: prefix(4, 2), by which a picture sees itself alone
1 1 0 0 0 0           and a word the picture and the words before it; and two more places, each of which asks for a
1 1 0 0 0 0           word: it sees what stands before that word, and itself
1 1 1 0 0 0
1 1 1 1 0 0
1 1 0 0 1 0
1 1 1 0 0 1
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


def asked(length: int, seen: int, words: int) -> jax.Array:
    """[1, L + W, L + W]: `prefix`, and for each of the last W positions a place that asks what stands there."""
    among = prefix(length, seen)[0]
    last, own = jnp.arange(length - words, length), jnp.eye(words, dtype=bool)
    before = jnp.arange(length) < last[:, None]
    return jnp.block([[among, jnp.zeros((length, words), bool)], [before, own]])[None]


def until(length: int, index: jax.Array, rows: int = 1) -> jax.Array:
    """[1, R, L]: a cache of L places in which those up to and with `index` are filled, with one more for each row."""
    return (jnp.arange(length) <= index + jnp.arange(rows)[:, None])[None]


def places(mask: jax.Array) -> jax.Array:
    """How many real tokens stand before each [B, L], int32."""
    return jnp.maximum(jnp.cumsum(mask, axis=1, dtype=jnp.int32) - 1, 0)
