"""Linear warm-up from 0 to the peak, then half a cosine down to the end.

rate = peak * step / warmup, then end + (peak - end) * (1 + cos(pi * (step - warmup) / (steps - warmup))) / 2
Loshchilov and Hutter 2017 (arXiv 1608.03983).
"""

import dataclasses

import jax
import jax.numpy as jnp
import optax


@dataclasses.dataclass(frozen=True)
class WarmupCosine:
    """step -> rate, fp32; `end` is a rate, reached at `steps` and kept."""

    peak: float
    warmup: int
    steps: int
    end: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.warmup < self.steps:
            raise ValueError(f"warmup is {self.warmup} and steps {self.steps}; expected 0 <= warmup < steps")

    def __call__(self, step: jax.typing.ArrayLike) -> jax.Array:
        schedule = optax.warmup_cosine_decay_schedule(0.0, self.peak, self.warmup, self.steps, self.end)
        return jnp.asarray(schedule(step), jnp.float32)
