"""Linear warm-up from 0 to the peak, then decay by the inverse square root of the step.

rate = peak * min(step / warmup, sqrt(warmup / step))
Vaswani et al. 2017 (arXiv 1706.03762). `peak` is the rate at `step = warmup`; a T5X base rate b means
peak = b / sqrt(warmup).
"""

import dataclasses

import jax
import jax.numpy as jnp


@dataclasses.dataclass(frozen=True)
class WarmupRsqrt:
    """step -> rate, fp32; it needs no total number of steps."""

    peak: float
    warmup: int

    def __post_init__(self) -> None:
        if not self.peak >= 0:
            raise ValueError(f"peak is {self.peak}; expected a rate of 0 or more")
        if self.warmup < 1:
            raise ValueError(f"warmup is {self.warmup}; expected at least 1 step (the peak is reached there)")

    def __call__(self, step: jax.typing.ArrayLike) -> jax.Array:
        step = jnp.asarray(step, jnp.float32)
        decay = jnp.sqrt(self.warmup / jnp.maximum(step, self.warmup))
        return jnp.float32(self.peak) * jnp.minimum(step / self.warmup, 1.0) * decay
