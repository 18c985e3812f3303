"""A task whose gradients are changed before they reach the optimiser, by a loss that has the changed ones.

L = sum of the losses, held + <g, p - p held>   has the value of the losses and the gradient g by the parameters p.
"""

import dataclasses
import re
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from mmjax.core import paths
from mmjax.core.mean import Mean
from mmjax.core.partition import psum
from mmjax.core.task import Batch, Ctx, Extra, Params
from mmjax.tasks.wrapper import Wrapper

Flat = dict[str, jax.Array]


@dataclasses.dataclass(frozen=True)
class Surgery(Wrapper):
    """A kind of it adds operated(apart, found, own) -> (gradients, what is told, own of the next step).

    - apart(): the gradients by path of each weighted loss, over all devices, in the order of the task's weights; a
      pass backward for each. apart(together=True): those of their sum alone, of one pass.
    - found: {name: value}, over all devices.
    """

    @property
    def weights(self) -> dict[str, float]:
        return {"total": 1.0}

    def init(self, key: jax.Array, batch: Batch) -> tuple[Params, Extra]:
        params, extra = super().init(key, batch)
        if hasattr(self, "shared"):
            matching(paths.flatten(params), self.shared)  # a pattern of nothing is told before anything is learnt
        return params, extra

    def loss(self, params: Params, extra: Extra, batch: Batch, ctx: Ctx) -> tuple[dict[str, Mean], Extra]:
        names, axis = tuple(self.task.weights), ctx.axis

        def shares(params):
            found, inner = self.task.loss(params, extra["task"], batch, ctx)
            counts = {name: psum(jax.lax.stop_gradient(found[name].count), axis) for name in names}
            parts = [self.task.weights[name] * Mean(found[name].total, counts[name]).value for name in names]
            return jnp.stack(parts), (found, inner)

        # Whoever differentiates this takes the gradient of `lean`: nothing needs to be traced through the pass back.
        values, back, (found, inner) = jax.vjp(shares, jax.lax.stop_gradient(params), has_aux=True)

        def apart(together: bool = False) -> list[Flat]:
            ways = jnp.ones((1, len(names))) if together else jnp.eye(len(names))
            return [psum(paths.flatten(back(way)[0]), axis) for way in ways]

        whole = {name: psum(mean, axis).value for name, mean in found.items()}
        gradients, told, own = self.operated(apart, whole, extra["own"])
        devices = 1 if axis is None else jax.lax.axis_size(axis)
        lean = sum(
            jnp.vdot(jax.lax.stop_gradient(gradients[path]), p - jax.lax.stop_gradient(p))
            for path, p in paths.flatten(params).items()
        )
        share = jnp.asarray(1 / devices, jnp.float32)
        found = found | {name: Mean(value * share, share) for name, value in told.items()}
        total = Mean(jax.lax.stop_gradient(jnp.sum(values)) + lean * share, share)
        return found | {"total": total}, {"task": inner, "own": own}


class Drawing(Surgery):
    """A kind that draws: `own` has the run's seed and the step, the same on every device."""

    def start(self, key: jax.Array) -> Any:
        return {"seed": jax.random.bits(key), "turn": jnp.zeros((), jnp.int32)}

    @staticmethod
    def drawn(own: Any) -> tuple[jax.Array, Any]:
        """The key of this step, and `own` of the next."""
        return jax.random.fold_in(jax.random.key(own["seed"]), own["turn"]), {**own, "turn": own["turn"] + 1}


def matching(gradients: Flat, shared: str) -> list[str]:
    """The paths that a pattern is found in. Raises ValueError for one that is no pattern, or found nowhere."""
    try:
        chosen = [path for path in gradients if re.search(shared, path)]
    except re.error as error:
        raise ValueError(f"shared is {shared!r}, which is no pattern: {error}") from None
    if not chosen:
        some = ", ".join(list(gradients)[:5]) + (", ..." if len(gradients) > 5 else "")
        raise ValueError(f"shared is {shared!r}, which is found in none of {some}")
    return chosen


def products(gradients: Sequence[Flat], chosen: Sequence[str]) -> jax.Array:
    """[K, K] fp32: the dot products of K gradients over the chosen paths."""
    return sum(
        jnp.einsum("ki,li->kl", rows, rows, precision="highest")
        for rows in (jnp.stack([one[path].astype(jnp.float32).reshape(-1) for one in gradients]) for path in chosen)
    )


def cosines(dots: jax.Array) -> jax.Array:
    """[K, K] from dot products; 0 where a gradient is 0."""
    lengths = jnp.sqrt(jnp.diagonal(dots))
    return dots / jnp.maximum(lengths[:, None] * lengths[None], 1e-20)


def named(cosine: jax.Array, names: Sequence[str]) -> dict[str, jax.Array]:
    """A table of the cosines of losses, each pair once."""
    return {f"cosine/gradients/{names[k]} and {names[j]}": cosine[k, j] for k in range(len(names)) for j in range(k)}
