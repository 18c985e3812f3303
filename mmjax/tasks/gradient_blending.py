"""Losses weighed by what they gain on rows held out against how they overfit (Wang, Tran and Feiszli 2020, arXiv
1905.12681).

O = L_held - L_trained,   dG_k = drop of L_held in a window,   dO_k = growth of O in it,   w_k = (dG_k / dO_k^2) / Z

A share of the training rows is held out by their number; windows of steps stand for the paper's super-epochs.
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from mmjax.core.mean import Mean
from mmjax.core.partition import psum
from mmjax.core.task import Batch, Ctx, Extra, Params
from mmjax.tasks.wrapper import Wrapper

LEAST = 1e-2  # of a growth: one that is next to nothing would take all of the weight


@dataclasses.dataclass(frozen=True)
class GradientBlending(Wrapper):
    """A task with `label` and several losses, such as `tasks.each`; the weights are told, and sum to 1.

    Of `tasks.each` those of all together and of each alone are blended; what parts of the model give keeps its weight.

    Args:
        window: steps between two estimates.
        held: the share of rows.
    """

    window: int = 50
    held: float = 0.1

    def __post_init__(self):
        if self.window < 1 or not 0 < self.held < 1:
            raise ValueError(f"window is {self.window} and held {self.held}; expected 1 or more, and a share in (0, 1)")
        if len(self.task.weights) < 2:
            raise ValueError(f"task has the loss {', '.join(self.task.weights)} alone; expected several to be blended")

    @property
    def blended(self) -> tuple[str, ...]:
        return getattr(self.task, "names", tuple(self.task.weights))

    def init(self, key: jax.Array, batch: Batch) -> tuple[Params, Extra]:
        if "label" not in batch:
            raise ValueError(
                f"tasks.gradient_blending holds labels out, but the data gives {', '.join(sorted(batch))}; set "
                "data.label"
            )
        return super().init(key, batch)

    @property
    def weights(self) -> dict[str, float]:
        return {"blended": 1.0}

    def start(self, key: jax.Array) -> Any:
        """Equal weights, and of a window: sums and counts of both losses [K], those of the one before, steps."""
        count = len(self.blended)
        zeros = jnp.zeros(count, jnp.float32)
        found = {"weights": jnp.full(count, 1 / count, jnp.float32), "turn": jnp.zeros((), jnp.int32)}
        found |= {"sums": jnp.zeros((2, 2, count), jnp.float32)}  # trained and held, total and count
        return found | {"before": jnp.stack([zeros, zeros]), "known": jnp.zeros((), bool)}

    def loss(self, params: Params, extra: Extra, batch: Batch, ctx: Ctx) -> tuple[dict[str, Mean], Extra]:
        own, names = extra["own"], self.blended
        out = held_out(batch["index"], self.held)
        learnt = {**batch, "label": jnp.where(_beside(out, batch["label"]), -1, batch["label"])}
        kept = {**batch, "label": jnp.where(_beside(out, batch["label"]), batch["label"], -1)}
        found, inner = self.task.loss(params, extra["task"], learnt, ctx)
        apart, _ = self.task.loss(jax.lax.stop_gradient(params), extra["task"], kept, ctx.replace(train=False))
        weights = dict(self.task.weights) | dict(zip(names, own["weights"], strict=True))
        share = jnp.asarray(1 if ctx.axis is None else 1 / jax.lax.axis_size(ctx.axis), jnp.float32)
        # Each by its own count: the losses of a model's parts count other rows.
        counts = {name: psum(jax.lax.stop_gradient(found[name].count), ctx.axis) for name in weights}
        parts = (weight * Mean(found[name].total, counts[name]).value for name, weight in weights.items())
        blended = Mean(sum(parts), share)
        new = psum(jax.lax.stop_gradient(jnp.stack([_sums(found, names), _sums(apart, names)])), ctx.axis)
        told = {f"weight/blending/{name}": Mean(own["weights"][k] * share, share) for k, name in enumerate(names)}
        told |= {f"{name}_held": apart[name] for name in names}
        return found | told | {"blended": blended}, {"task": inner, "own": self._turned(own, new)}

    def _turned(self, own: Any, new: jax.Array) -> Any:
        """With the sums of another step; at the end of a window, with new weights."""
        sums, turn = own["sums"] + new, own["turn"] + 1
        ends = turn % self.window == 0
        losses = sums[:, 0] / jnp.maximum(sums[:, 1], 1)
        weights = jnp.where(own["known"], blending(own["before"], losses), own["weights"])
        return {
            "weights": jnp.where(ends, weights, own["weights"]),
            "turn": turn,
            "sums": jnp.where(ends, 0, sums),
            "before": jnp.where(ends, losses, own["before"]),
            "known": own["known"] | ends,
        }


def blending(before: jax.Array, after: jax.Array) -> jax.Array:
    """Weights [K] that sum to 1, from losses [2, K] (of what is trained, and held out) of two windows.

    A loss that gains nothing has none; where none gains, all are equal.
    """
    gain = jnp.maximum(before[1] - after[1], 0)
    growth = (after[1] - after[0]) - (before[1] - before[0])
    worth = gain / jnp.square(jnp.maximum(jnp.abs(growth), LEAST))
    total = jnp.sum(worth)
    return jnp.where(total > 0, worth / jnp.where(total > 0, total, 1), 1 / len(worth))


def held_out(index: jax.Array, share: float) -> jax.Array:
    """[B] bool: about this share of rows, always the same ones, by a hash of their numbers."""
    mixed = index.astype(jnp.uint32) * jnp.uint32(2654435761)
    mixed = (mixed ^ (mixed >> 15)) * jnp.uint32(2246822519)
    return (mixed ^ (mixed >> 13)) < jnp.uint32(int(share * 2**32))


def _beside(out: jax.Array, label: jax.Array) -> jax.Array:
    return out.reshape(-1, *(1,) * (label.ndim - 1))


def _sums(found: dict[str, Mean], names: tuple[str, ...]) -> jax.Array:
    """[2, K]: totals and counts."""
    return jnp.stack([jnp.stack([getattr(found[name], part) for name in names]) for part in ("total", "count")])
