"""Sensors read at any times: each reading is a token that knows when it was (after Time2Vec: arXiv 1907.05321).

x = blocks([v, seen] W + b + waves((t - t_first) / unit))

The frequencies of the waves are fixed. A channel that was not read (NaN in a real step) is 0 and marked as not seen, so
channels may have times of their own.
"""

import jax
import jax.numpy as jnp
from einops import repeat
from flax import linen as nn

from mmjax.core.precision import computing
from mmjax.core.tokens import Tokens
from mmjax.nn.checks import check_arrays, check_sizes
from mmjax.nn.dense import Dense
from mmjax.nn.time_position import TimePosition
from mmjax.nn.transformer import Transformer


class IrregularSensor(nn.Module):
    """Readings [B, L, 1 + C], channel 0 the time in seconds, with mask [B, L] to Tokens [B, L, dim].

    Times count from an example's first reading, in steps of `unit` seconds, the shortest that matter.
    """

    times = True  # each step begins with its time
    dim: int
    unit: float = 1.0
    layers: int = 2
    heads: int = 4
    hidden: int | None = None
    dropout: float = 0.0
    scan: bool = False

    def __post_init__(self):
        super().__post_init__()
        check_sizes(self)
        if self.dim % 2:
            raise ValueError(f"dim is {self.dim}; expected an even width, for sines and cosines of time")
        if not self.unit > 0:
            raise ValueError(f"unit is {self.unit}; expected more than 0 seconds")

    @nn.compact
    def __call__(self, values: jax.Array, mask: jax.Array, *, train: bool) -> Tokens:
        check_arrays(self, values, mask, "B L | C")
        if values.shape[-1] < 2:
            raise ValueError(f"readings take the time and at least one channel, given {values.shape}")
        time, read = values[..., 0].astype(jnp.float32), values[..., 1:]
        first = jnp.min(jnp.where(mask, time, jnp.inf), axis=1, keepdims=True)
        since = jnp.where(mask, time - first, 0) / self.unit
        seen = repeat(mask, "b l -> b l 1") & jnp.isfinite(read)
        inputs = jnp.concatenate([jnp.where(seen, read, 0), seen], axis=-1).astype(computing(self))
        x = TimePosition()(Dense(self.dim, name="reading")(inputs), since)
        x = nn.Dropout(self.dropout, deterministic=not train)(x)
        trunk = Transformer(self.layers, self.heads, self.hidden, self.dropout, self.scan, name="transformer")
        return trunk(Tokens.of(x, mask), train=train)
