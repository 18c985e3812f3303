"""A learned table of positions on a grid, added to its tokens; `train.init_from` resizes it to another grid."""

import jax
from einops import rearrange
from flax import linen as nn


class LearnedPosition(nn.Module):
    """x [B, h, w, D] + table [h, w, D]; starts with standard deviation D ** -0.5.

    Raises:
        ValueError: a picture of another grid than that of the table.
    """

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        if self.has_variable("params", "table"):
            there, wanted = self.get_variable("params", "table").shape, x.shape[1:]
            if there != wanted:
                raise ValueError(
                    f"the table of positions has the shape {there}, but the picture asks for {wanted}; keep its size, "
                    "or start from these parameters by init_from, which resizes the table"
                )
        start = nn.initializers.normal(x.shape[-1] ** -0.5)
        return x + self.param("table", start, x.shape[1:])


def flatten_grid(x: jax.Array) -> jax.Array:
    """[B, h, w, D] to [B, h * w, D], row by row."""
    return rearrange(x, "b h w d -> b (h w) d")
