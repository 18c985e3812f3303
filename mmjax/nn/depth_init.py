"""How BEiT's transformer starts (Bao et al. 2021, arXiv 2106.08254): the deeper, the less a layer adds.

W ~ N(0, deviation), cut at two deviations;   of layer l, what attention and feed-forward end with divided by sqrt(2 l)
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

ENDS = ("out", "down")


@dataclasses.dataclass(frozen=True)
class DepthInit:
    """(the name of a map, the layer from 1, of how many) to the initialiser of its kernel."""

    deviation: float = 0.02

    def __post_init__(self):
        if self.deviation <= 0:
            raise ValueError(f"deviation is {self.deviation}; expected a number above 0")

    def __call__(self, name: str, layer: jax.Array, layers: int) -> nn.initializers.Initializer:
        normal = nn.initializers.truncated_normal(self.deviation)

        def start(key: jax.Array, shape: tuple[int, ...], dtype: Any = jnp.float32) -> jax.Array:
            drawn = normal(key, shape, dtype)
            # The layer is traced where layers are scanned.
            return (drawn / jnp.sqrt(2.0 * layer)).astype(dtype) if name in ENDS else drawn

        return start
