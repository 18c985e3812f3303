"""Words looked for among regions of a picture, and how well that fits a text (Lee et al. 2018, arXiv 1803.08024).

s_ls = [cos(w_l, r_s)]_+,   s'_ls = s_ls / |s_.s|                    over the words of the text
a_l = softmax over s of c s'_ls,   v_l = sum_s a_ls r_s              what a word finds
fit = mean of cos(w_l, v_l) over l, or ln(sum over l of exp(g cos(w_l, v_l))) / g

In the second form few words that find nothing count less, and more words make a better fit.
"""

from collections.abc import Callable
from typing import Literal

import jax
import jax.numpy as jnp

from mmjax.core.tokens import Tokens
from mmjax.core.unit import unit
from mmjax.nn.aligned import shares

NOTHING = -1e9  # a cosine of what is no word: finite, for a gradient of 0


def attention(words: Tokens, regions: Tokens, sharpness: float = 9.0) -> jax.Array:
    """Weights a [B, L, S] fp32 of words [B, L, D] over the regions [B, S, D] of their own picture.

    A word that is not real, or of a picture without regions, has none. `sharpness` is c.

    Raises:
        ValueError: other widths or numbers of pictures.
    """
    _check(words, regions)
    if len(words.x) != len(regions.x):
        raise ValueError(f"there are {len(words.x)} texts and {len(regions.x)} pictures; expected as many")
    return jax.vmap(lambda word, region: _attention(word, region, sharpness))(words, regions)


def fit(
    words: Tokens,
    regions: Tokens,
    pool: Literal["mean", "log_sum"] = "mean",
    sharpness: float = 9.0,
    gather: float = 6.0,
) -> jax.Array:
    """How well each text of words [A, L, D] fits each picture of regions [B, S, D]: [A, B] fp32.

    0 where either has nothing real. With "mean" it is -1 to 1. `sharpness` is c and `gather` g, both the paper's.

    Raises:
        ValueError: another pool, other widths, or a `gather` that is not above 0.
    """
    if not gather > 0:
        raise ValueError(f"gather is {gather}; expected a number above 0")
    if pool not in POOLS:
        raise ValueError(f"pool is {pool!r}; expected one of {', '.join(POOLS)}")
    _check(words, regions)

    def one(word: Tokens, region: Tokens) -> jax.Array:
        found = jnp.matmul(_attention(word, region, sharpness), unit(region.cleared().x), precision="highest")
        cosines = jnp.sum(unit(word.cleared().x) * unit(found), axis=-1)
        there = jnp.any(word.mask) & jnp.any(region.mask)
        return jnp.where(there, POOLS[pool](cosines, word.mask, gather), 0)

    return jax.vmap(jax.vmap(one, (None, 0)), (0, None))(words, regions)


def _check(words: Tokens, regions: Tokens) -> None:
    if words.x.shape[-1] != regions.x.shape[-1]:
        raise ValueError(f"words have width {words.x.shape[-1]} and regions {regions.x.shape[-1]}; bring both to one")


def _attention(words: Tokens, regions: Tokens, sharpness: float) -> jax.Array:
    """[L, S], of one text and one picture."""
    cosines = jax.nn.relu(jnp.matmul(unit(words.cleared().x), unit(regions.cleared().x).T, precision="highest"))
    # Regions that are like all words alike say little about any of them.
    scores = unit(cosines.T).T
    return shares(sharpness * scores, words.mask[:, None] & regions.mask)


def _mean(cosines: jax.Array, mask: jax.Array, _: float) -> jax.Array:
    return jnp.sum(jnp.where(mask, cosines, 0)) / jnp.maximum(jnp.sum(mask), 1)


def _log_sum(cosines: jax.Array, mask: jax.Array, gather: float) -> jax.Array:
    return jax.nn.logsumexp(jnp.where(mask, gather * cosines, NOTHING)) / gather


POOLS: dict[str, Callable[[jax.Array, jax.Array, float], jax.Array]] = {"mean": _mean, "log_sum": _log_sum}
