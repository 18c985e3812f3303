"""Gradients of losses that conflict are projected (PCGrad: Yu et al. 2020, arXiv 2001.06782).

g_i <- g_i - (g_i . g_j / |g_j|^2) g_j where g_i . g_j < 0, for every other j in random order;   g = sum_i g_i

Only what several losses share can conflict: parameters with a gradient of one loss alone have no dot product.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from mmjax.core.task import Batch, Extra, Params
from mmjax.tasks.surgery import Drawing, Flat, cosines, matching, named, products


@dataclasses.dataclass(frozen=True)
class Pcgrad(Drawing):
    """A task of several losses; their cosines are told, as they were before.

    Args:
        shared: a pattern of the paths of the parameters whose gradients are projected; others' are added up. Leave
            frozen ones out, which nothing is learnt of.
    """

    shared: str = ".*"

    def init(self, key: jax.Array, batch: Batch) -> tuple[Params, Extra]:
        if len(self.task.weights) < 2:
            raise ValueError(
                f"task.task has the loss {', '.join(self.task.weights)} alone, which conflicts with none; expected "
                "several, as those of tasks.each"
            )
        return super().init(key, batch)

    def operated(
        self, apart: Callable[..., Sequence[Flat]], found: Mapping[str, jax.Array], own: Any
    ) -> tuple[Flat, Mapping[str, jax.Array], Any]:
        gradients = apart()
        chosen = matching(gradients[0], self.shared)
        dots = products(gradients, chosen)
        key, own = self.drawn(own)
        mixed = jnp.sum(projected(dots, key), axis=0)
        ways = {path: mixed if path in chosen else jnp.ones(len(gradients)) for path in gradients[0]}
        summed = {path: sum(way[k] * one[path] for k, one in enumerate(gradients)) for path, way in ways.items()}
        return summed, named(cosines(dots), tuple(self.task.weights)), own


def projected(dots: jax.Array, key: jax.Array) -> jax.Array:
    """[K, K]: row i says of which mixture of the K gradients g_i is made, by their dot products [K, K] alone."""
    count = len(dots)
    mixture = jnp.eye(count)
    for i in range(count):
        order = jax.random.permutation(jax.random.fold_in(key, i), count)

        def turn(row, j, i=i):
            along = row @ dots[:, j]
            share = jnp.where((along < 0) & (j != i), along / jnp.maximum(dots[j, j], 1e-20), 0)
            return row.at[j].add(-share), None

        mixture = mixture.at[i].set(jax.lax.scan(turn, mixture[i], order)[0])
    return mixture
