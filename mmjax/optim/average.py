"""An exponential moving average of the parameters, as the last transformation of a chain.

average <- d * average + (1 - d) * p  after update n = 0, 1, ...,  d = min(decay, (1 + n) / (warmup + n))
Polyak and Juditsky 1992; the bound on d as in Rombach et al. 2022 (arXiv 2112.10752).
"""

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax


class AverageState(NamedTuple):
    """The number of updates seen, and the average, fp32."""

    count: jax.Array
    mean: Any


@dataclasses.dataclass(frozen=True)
class Average:
    """The average starts as the parameters; `warmup` keeps it near them at first (1: no warm-up)."""

    decay: float = 0.999
    warmup: float = 10.0

    def __post_init__(self) -> None:
        if not 0 <= self.decay < 1:
            raise ValueError(f"decay is {self.decay}; expected a number in [0, 1)")
        if self.warmup < 1:
            raise ValueError(f"warmup is {self.warmup}; expected at least 1, which means none")

    def transformation(self) -> optax.GradientTransformation:
        """Passes updates on and averages what they make of the parameters; to stand last in a chain."""

        def init(params: Any) -> AverageState:
            # A copy: parameters and average are donated together and may not share a buffer.
            mean = jax.tree.map(lambda p: jnp.array(p, jnp.float32, copy=True), params)
            return AverageState(jnp.zeros([], jnp.int32), mean)

        def update(updates: Any, state: AverageState, params: Any) -> tuple[Any, AverageState]:
            n = state.count.astype(jnp.float32)
            d = jnp.minimum(self.decay, (1 + n) / (self.warmup + n))
            new = optax.apply_updates(params, updates)
            mean = jax.tree.map(lambda m, p: d * m + (1 - d) * p.astype(jnp.float32), state.mean, new)
            return updates, AverageState(optax.safe_increment(state.count), mean)

        return optax.GradientTransformation(init, update)
