"""Linear warm-up from 0 to the peak, then half a cosine down to the end.

rate = peak * step / warmup, then end + (peak - end) * (1 + cos(pi * (step - warmup) / (steps - warmup))) / 2
Loshchilov and Hutter 2017 (arXiv 1608.03983).
"""

import dataclasses

import jax
import jax.numpy as jnp

from mmjax.optim.descent import check, descent


@dataclasses.dataclass(frozen=True)
class WarmupCosine:
    """step -> rate, fp32; `end` is a rate, reached at `steps` (None: the steps of the run) and kept."""

    peak: float
    warmup: int
    steps: int | None = None
    end: float = 0.0

    def __post_init__(self) -> None:
        check(self)

    def __call__(self, step: jax.typing.ArrayLike) -> jax.Array:
        return descent(self, step, lambda a: (1 + jnp.cos(jnp.pi * a)) / 2)
