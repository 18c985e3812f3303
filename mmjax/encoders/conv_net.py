"""A small convolutional picture encoder, unpooled: every place of the last grid is a token.

x = norm(project(pool(relu(groupnorm(conv(x))))^n))   (nn.conv_stem; LeCun et al. 1989; group norm: arXiv 1803.08494)
"""

import jax
from einops import repeat
from flax import linen as nn

from mmjax.core.precision import computing
from mmjax.core.tokens import Tokens
from mmjax.nn.checks import check_arrays, check_sizes
from mmjax.nn.conv_stem import ConvStem
from mmjax.nn.layer_norm import LayerNorm
from mmjax.nn.learned_position import flatten_grid
from mmjax.nn.pixels import centred


class ConvNet(nn.Module):
    """Pictures [B, H, W, C] with values in 0..255 and mask [B] to Tokens [B, H W / 4^n, dim], for n `widths`.

    `position`, if any, adds where each token stands, for what follows has no other way to know.
    """

    dim: int
    widths: tuple[int, ...] = (32, 64, 128)
    groups: int = 8
    position: nn.Module | None = None

    def __post_init__(self):
        super().__post_init__()
        check_sizes(self, "groups")
        ConvStem(self.widths, self.dim, self.groups, parent=None)  # refuses what it cannot take

    @nn.compact
    def __call__(self, values: jax.Array, mask: jax.Array, *, train: bool) -> Tokens:
        check_arrays(self, values, mask, "B | H W C")
        grid = ConvStem(self.widths, self.dim, self.groups, name="stem")(centred(values, mask).astype(computing(self)))
        grid = LayerNorm(name="norm")(grid)
        x = flatten_grid(grid if self.position is None else self.position(grid))
        return Tokens.of(x, repeat(mask, "b -> b l", l=x.shape[1]))
