"""How a transformer with sub-LN starts (Magneto: Wang et al. 2022, arXiv 2210.06423, encoders).

W ~ g * xavier,   g = sqrt(ln 2L) for the maps of values, outputs and feed-forwards of L layers, 1 for queries and keys
"""

import dataclasses
import math

import jax
from flax import linen as nn

SCALED = ("value", "out", "up", "down")


@dataclasses.dataclass(frozen=True)
class SubNormInit:
    """(the name of a map, the layer from 1, of how many) to the initialiser of its kernel, whatever the layer."""

    def __call__(self, name: str, layer: jax.Array, layers: int) -> nn.initializers.Initializer:
        gain = math.log(2 * layers) if name in SCALED else 1.0
        return nn.initializers.variance_scaling(gain, "fan_avg", "uniform")
