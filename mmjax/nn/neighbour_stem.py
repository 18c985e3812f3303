"""Pictures to a grid of tokens that see their neighbours: patches, then 3 x 3 of them at a time (LeCun et al. 1989).

x = patches;   x = gelu(norm(W [the 3 x 3 tokens around each] + b)) for each width;   last a map alone

These are convolutions, written as slices and one product: of small pictures a CPU computes their gradients sooner.
"""

import jax
import jax.numpy as jnp
from einops import rearrange
from flax import linen as nn

from mmjax.nn.checks import check_sizes
from mmjax.nn.dense import Dense
from mmjax.nn.gelu import gelu
from mmjax.nn.layer_norm import LayerNorm


class NeighbourStem(nn.Module):
    """x [B, H, W, C] to [B, H / side, W / side, dim]; beyond the picture are zeros.

    A token of the first layer is of 3 side x 3 side pixels, and each layer sees `side` pixels more on every side.
    """

    widths: tuple[int, ...]
    dim: int
    side: int = 5

    def __post_init__(self):
        super().__post_init__()
        check_sizes(self, "side")
        if min(self.widths, default=1) < 1:
            raise ValueError(f"widths are {self.widths}; expected each to be 1 or more")

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        side = self.side
        if x.shape[1] % side or x.shape[2] % side:
            raise ValueError(f"a picture of {x.shape[1]} x {x.shape[2]} does not divide into patches of side {side}")
        x = rearrange(x, "b (h p) (w q) c -> b h w (p q c)", p=side, q=side)
        for i, width in enumerate(self.widths):
            x = Dense(width, use_bias=False, name=f"around_{i}")(_around(x))  # the norm has a bias
            x = gelu(LayerNorm(name=f"norm_{i}")(x))
        return Dense(self.dim, name="project")(_around(x))


def _around(x: jax.Array) -> jax.Array:
    """[B, h, w, D] to [B, h, w, 9 D]: the tokens above, beside and below each, row by row."""
    height, width = x.shape[1:3]
    x = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    return jnp.concatenate([x[:, i : i + height, j : j + width] for i in range(3) for j in range(3)], axis=-1)
