"""Linear warm-up from 0 to the peak, which is then kept.

rate = peak * min(1, step / warmup)
"""

import dataclasses

import jax
import jax.numpy as jnp
import optax


@dataclasses.dataclass(frozen=True)
class Constant:
    """step -> rate, fp32; without warm-up the peak at once."""

    peak: float
    warmup: int = 0

    def __post_init__(self) -> None:
        if not self.peak >= 0:
            raise ValueError(f"peak is {self.peak}; expected a rate of 0 or more")
        if self.warmup < 0:
            raise ValueError(f"warmup is {self.warmup}; expected 0 or more steps")

    def __call__(self, step: jax.typing.ArrayLike) -> jax.Array:
        up = optax.linear_schedule(0.0, self.peak, self.warmup)
        kept = optax.constant_schedule(self.peak)
        return jnp.asarray(optax.join_schedules([up, kept], [self.warmup])(step), jnp.float32)
