"""What schedules with an end have in common: a linear warm-up from 0 to the peak, then a way down.

rate = peak * step / warmup, then h * peak + (1 - h) * end  with h = height(a), a = (step - warmup) / (steps - warmup)
"""

from collections.abc import Callable
from typing import Protocol

import jax
import jax.numpy as jnp


class Ending(Protocol):
    """The fields of a schedule with an end; `steps` None stands for the steps of the run, see `Optimizer.over`."""

    peak: float
    warmup: int
    steps: int | None
    end: float


def check(schedule: Ending) -> None:
    """Raises ValueError for rates below 0, or where the warm-up leaves no step to come down in."""
    if not (schedule.peak >= 0 and schedule.end >= 0):
        raise ValueError(f"peak is {schedule.peak} and end {schedule.end}; expected rates of 0 or more")
    warmup, steps = schedule.warmup, schedule.steps
    if warmup < 0 or (steps is not None and warmup >= steps):
        raise ValueError(f"warmup is {warmup} and steps {steps}; expected 0 <= warmup < steps")


def descent(schedule: Ending, step: jax.typing.ArrayLike, height: Callable[[jax.Array], jax.Array]) -> jax.Array:
    """The rate, fp32; `height` falls from 1 to 0 as its argument rises from 0 to 1.

    Not by optax: compiled, its line misses the end by a rounding, and an end of 0 becomes negative.
    """
    step = jnp.asarray(step, jnp.float32)
    up = schedule.peak * step / max(schedule.warmup, 1)
    h = height(jnp.clip((step - schedule.warmup) / (schedule.steps - schedule.warmup), 0.0, 1.0))
    return jnp.where(step < schedule.warmup, up, h * schedule.peak + (1 - h) * schedule.end)
