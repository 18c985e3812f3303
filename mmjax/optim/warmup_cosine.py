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
    """step -> rate, fp32; `end` is a rate, reached at `steps` (None: the steps of the run) and kept."""

    peak: float
    warmup: int
    steps: int | None = None
    end: float = 0.0

    def __post_init__(self) -> None:
        if self.warmup < 0 or (self.steps is not None and self.warmup >= self.steps):
            raise ValueError(f"warmup is {self.warmup} and steps {self.steps}; expected 0 <= warmup < steps")

    def over(self, steps: int) -> "WarmupCosine":
        """The schedule of a run of so many steps, unless it names its own."""
        return self if self.steps is not None else dataclasses.replace(self, steps=steps)

    def __call__(self, step: jax.typing.ArrayLike) -> jax.Array:
        schedule = optax.warmup_cosine_decay_schedule(0.0, self.peak, self.warmup, self.steps, self.end)
        return jnp.asarray(schedule(step), jnp.float32)
