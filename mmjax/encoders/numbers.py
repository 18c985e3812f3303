"""Rows of numbers as tokens by one linear map and, where it matters, a place: x_t = W v_t + b + p_t.

Nothing is normalised: two of a thing are twice one of it, which a norm would take away.
"""

import jax
import jax.numpy as jnp
from flax import linen as nn

from mmjax.core.precision import computing
from mmjax.core.tokens import Tokens
from mmjax.nn.checks import check_arrays, check_sizes
from mmjax.nn.dense import Dense


class Numbers(nn.Module):
    """Rows [B, T, C] with mask [B, T] to Tokens [B, T, dim].

    `position`, None where rows have no order, has places for T, see `nn.table_position`.
    """

    dim: int
    position: nn.Module | None = None

    def __post_init__(self):
        super().__post_init__()
        check_sizes(self)

    @nn.compact
    def __call__(self, values: jax.Array, mask: jax.Array, *, train: bool) -> Tokens:
        check_arrays(self, values, mask, "B T | C")
        x = jnp.where(mask[..., None], values, 0).astype(computing(self))
        x = Dense(self.dim, name="map")(x)
        return Tokens.of(x if self.position is None else self.position(x), mask)
