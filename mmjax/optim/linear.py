"""Linear warm-up from 0 to the peak, then a straight line down to the end.

rate = peak * step / warmup, then (1 - a) * peak + a * end  with a = (step - warmup) / (steps - warmup)
"""

import dataclasses

import jax

from mmjax.optim.descent import check, descent


@dataclasses.dataclass(frozen=True)
class Linear:
    """step -> rate, fp32; `end` is a rate, reached at `steps` (None: the steps of the run) and kept."""

    peak: float
    warmup: int
    steps: int | None = None
    end: float = 0.0

    def __post_init__(self) -> None:
        check(self)

    def __call__(self, step: jax.typing.ArrayLike) -> jax.Array:
        return descent(self, step, lambda a: 1 - a)
