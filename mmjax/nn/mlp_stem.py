"""Pictures to a grid of tokens, each from its own patch through several layers (hMLP: Touvron et al. 2022, 2203.09795).

Small patches become vectors, of which s x s neighbours become one, and so on: no token sees beyond its patch, so that
what is hidden of a picture stays hidden. Their batch norm is a layer norm here, by which no example changes another
one's tokens.
"""

import jax
from einops import rearrange
from flax import linen as nn

from mmjax.nn.dense import Dense
from mmjax.nn.gelu import gelu
from mmjax.nn.layer_norm import LayerNorm


class MlpStem(nn.Module):
    """x [B, H, W, C] to [B, H / P, W / P, dim], P the product of `sides`.

    Args:
        sides: of the first patches in pixels, then of what is joined of the layer before.
        widths: of every layer but the last, which has `dim`.
    """

    widths: tuple[int, ...]
    dim: int
    sides: tuple[int, ...] = (4, 2, 2)

    def __post_init__(self):
        super().__post_init__()
        if len(self.widths) + 1 != len(self.sides) or min(*self.widths, *self.sides, self.dim, 1) < 1:
            raise ValueError(
                f"widths are {self.widths}, dim is {self.dim} and sides are {self.sides}; expected a width for each "
                "side but the last, all of them 1 or more"
            )

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        *before, last = zip(self.sides, (*self.widths, self.dim), strict=True)
        for i, (side, width) in enumerate(before):
            x = Dense(width, use_bias=False, name=f"join_{i}")(_joined(x, side))  # the norm has a bias
            x = gelu(LayerNorm(name=f"norm_{i}")(x))
        return Dense(last[1], name="project")(_joined(x, last[0]))


def _joined(x: jax.Array, side: int) -> jax.Array:
    """[B, h, w, D] to [B, h / s, w / s, s s D].

    Raises:
        ValueError: sides that do not divide so.
    """
    if x.shape[1] % side or x.shape[2] % side:
        raise ValueError(f"a grid of {x.shape[1]} x {x.shape[2]} does not divide into patches of {side} x {side}")
    return rearrange(x, "b (h p) (w q) d -> b h w (p q d)", p=side, q=side)
