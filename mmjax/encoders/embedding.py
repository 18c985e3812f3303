"""Ids as vectors with positions, before any layer: x = embed(id) + position."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from mmjax.core.tokens import Tokens
from mmjax.nn.checks import check_arrays, check_sizes
from mmjax.nn.time_position import TimePosition


class Embedding(nn.Module):
    """Ids [B, L] int32 with mask [B, L] to Tokens [B, L, dim]; it starts with standard deviation dim ** -0.5.

    `position` adds where each token stands: `nn.time_position`, fixed, or `nn.table_position`, learned. They stand in
    order, or at the places `at` [B, L].
    """

    dim: int
    vocab: int
    position: nn.Module = TimePosition()

    def __post_init__(self):
        super().__post_init__()
        check_sizes(self, "vocab")

    @nn.compact
    def __call__(self, values: jax.Array, mask: jax.Array, *, train: bool, at: jax.Array | None = None) -> Tokens:
        check_arrays(self, values, mask, "B L |")
        start = nn.initializers.normal(self.dim**-0.5)
        # An id beyond the table would be a NaN.
        x = nn.Embed(self.vocab, self.dim, embedding_init=start, name="embed")(jnp.where(mask, values, 0))
        return Tokens.of(self.position(x) if at is None else self.position(x, at), mask)
