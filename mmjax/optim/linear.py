"""Linear warm-up from 0 to the peak, then a straight line down to the end.

rate = peak * step / warmup, then (1 - a) * peak + a * end  with a = (step - warmup) / (steps - warmup)
"""

import dataclasses

import jax
import jax.numpy as jnp


@dataclasses.dataclass(frozen=True)
class Linear:
    """step -> rate, fp32; `end` is a rate, reached at `steps` (None: the steps of the run) and kept."""

    peak: float
    warmup: int
    steps: int | None = None
    end: float = 0.0

    def __post_init__(self) -> None:
        if self.warmup < 0 or (self.steps is not None and self.warmup >= self.steps):
            raise ValueError(f"warmup is {self.warmup} and steps {self.steps}; expected 0 <= warmup < steps")

    def over(self, steps: int) -> "Linear":
        """The schedule of a run of so many steps, unless it names its own."""
        return self if self.steps is not None else dataclasses.replace(self, steps=steps)

    def __call__(self, step: jax.typing.ArrayLike) -> jax.Array:
        # Not optax.linear_schedule: compiled, its end is off by a rounding, and an end of 0 becomes negative.
        step = jnp.asarray(step, jnp.float32)
        up = self.peak * step / max(self.warmup, 1)
        a = jnp.clip((step - self.warmup) / (self.steps - self.warmup), 0.0, 1.0)
        return jnp.where(step < self.warmup, up, (1 - a) * self.peak + a * self.end)
