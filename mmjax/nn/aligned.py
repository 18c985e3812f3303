"""Modalities side by side at each position, for whatever mixes them position by position.

A pooled vector (L = 1) stands at every position of the others. It makes no padding real: the number of positions would
then count, as the weight of the pooled vector. In a row where no other modality has a token it stands everywhere.
"""

from collections.abc import Iterable, Sequence
from functools import reduce
from operator import or_

import jax
import jax.numpy as jnp

from mmjax.core.tokens import Modalities, Tokens, in_order

# The logit of what is not there: far below any other, yet finite, so that gradients are.
ABSENT = 0.5 * float(jnp.finfo(jnp.float32).min)


def aligned(modalities: Modalities, order: Sequence[str]) -> tuple[jax.Array, jax.Array]:
    """x [B, L, M, D], 0 where nothing is real, and real [B, L, M].

    Raises:
        ValueError: as `in_order`, or lengths that are neither equal nor 1.
    """
    tokens = in_order(modalities, order)
    length = max(one.x.shape[1] for one in tokens)
    if any(one.x.shape[1] not in (1, length) for one in tokens):
        lengths = {name: modalities[name].x.shape[1] for name in order}
        raise ValueError(
            f"modalities of lengths {lengths} have no positions in common; bring some to one token by nn.pool, or lay "
            "all one after the other by fusion.concat"
        )
    taken = reduce(or_, (one.mask for one in tokens if one.x.shape[1] == length))
    open_to_pooled = taken | ~jnp.any(taken, axis=1, keepdims=True)
    real = jnp.stack([one.mask & open_to_pooled for one in tokens], axis=-1)
    x = jnp.stack([jnp.broadcast_to(one.x, (*real.shape[:2], one.x.shape[-1])) for one in tokens], axis=2)
    return jnp.where(real[..., None], x, 0), real


def any_real(tokens: Iterable[Tokens], length: int = 1) -> jax.Array:
    """[B, length]: the mask of new tokens that stand for all of these, real in rows where any of them is."""
    mask = jnp.concatenate([one.mask for one in tokens], axis=1)
    return jnp.broadcast_to(mask.any(axis=1, keepdims=True), (len(mask), length))


def shares(logits: jax.Array, real: jax.Array, axis: int = -1) -> jax.Array:
    """Softmax in fp32 along an axis over what is real; zeros, with finite gradients, where nothing is."""
    weights = jax.nn.softmax(jnp.where(real, logits.astype(jnp.float32), ABSENT), axis=axis)
    return jnp.where(real, weights, 0)
