"""Connectionist temporal classification: a target that says what comes, in which order, but not when (Graves 2006).

loss = -ln sum over paths p that read as the target of prod_t softmax(z_t)_{p_t}

A path names one of V at each step; it reads as what is left of it when repeats are drawn together and blanks taken out.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

LEAST = -1e6  # of a log probability: an id that is impossible costs much, and stays finite
BEYOND = -1e10  # of what no path reaches: below what any path of thousands of steps has


class Read(NamedTuple):
    """cost [B] fp32, and feasible [B] bool: whether any path reads as the target. `Mean.of(*ctc(...))` counts those."""

    cost: jax.Array
    feasible: jax.Array


def ctc(logits: jax.Array, target: jax.Array, mask: jax.Array, target_mask: jax.Array, blank: int = 0) -> Read:
    """The loss of each example; 0 where no path reads as the target.

    None does where there are fewer steps than target ids and blanks between equal neighbours, or none at all, and where
    the target holds the blank or an id that is none of V.

    Args:
        logits: z [B, T, V].
        target: ids [B, L], whatever stands under its mask.
        mask: [B, T] bool.
        target_mask: [B, L] bool.
        blank: the id that stands for nothing.

    Raises:
        ValueError: shapes that do not fit each other, or a blank that is none of V.
    """
    _check(logits, target, mask, target_mask, blank)
    logits = jax.nn.log_softmax(jnp.where(mask[..., None], logits, 0).astype(jnp.float32))
    first = jnp.argsort(~target_mask, axis=1, stable=True)  # optax wants what is real to stand first
    target, there = (jnp.take_along_axis(one, first, axis=1) for one in (target, target_mask))
    legal = (target >= 0) & (target < logits.shape[-1]) & (target != blank)
    repeats = (target[:, 1:] == target[:, :-1]) & there[:, 1:]
    steps, needed = jnp.sum(mask, axis=1), jnp.sum(there, axis=1) + jnp.sum(repeats, axis=1)
    feasible = (steps > 0) & (needed <= steps) & jnp.all(legal | ~there, axis=1)
    target = jnp.where(there & legal, target, 0)
    cost = optax.losses.ctc_loss(
        jnp.maximum(logits, LEAST),
        (~mask).astype(jnp.float32),
        target,
        (~there).astype(jnp.float32),
        blank_id=blank,
        log_epsilon=BEYOND,
    )
    return Read(jnp.where(feasible, cost, 0), feasible)


def _check(logits: jax.Array, target: jax.Array, mask: jax.Array, target_mask: jax.Array, blank: int) -> None:
    shapes = [jnp.shape(one) for one in (logits, target, mask, target_mask)]
    rows, steps, ids = (*shapes[0], 0, 0, 0)[:3]
    fit = len(shapes[0]) == 3 and len(shapes[1]) == 2 and shapes[1][0] == rows and shapes[2] == (rows, steps)
    if not (fit and shapes[3] == shapes[1] and all((steps, ids, shapes[1][1]))):
        raise ValueError(
            "ctc takes logits [B, T, V], targets [B, L] and masks [B, T] and [B, L], of sizes from 1, given "
            f"{', '.join(map(str, shapes))}"
        )
    if not 0 <= blank < ids:
        raise ValueError(f"blank is {blank}; expected an id of the {ids} that logits have, 0 to {ids - 1}")
