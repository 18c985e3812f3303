"""A pre-norm block that looks at a memory and not at itself: cross-attention and feed-forward.

x + attention(norm(x), norm(memory)), then x + mlp(norm(x))

It has the form that `nn.stack` takes: every layer sees the same memory (MulT: Tsai et al. 2019, arXiv 1906.00295).
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
from flax import linen as nn

from mmjax.nn.attention import Attention
from mmjax.nn.layer_norm import LayerNorm
from mmjax.nn.mlp import Mlp


class CrossBlock(nn.Module):
    """x [B, L, D] over a memory [B, S, D] to x; `mask` broadcasts to [B, L, S]."""

    attention: Callable[..., Attention]
    mlp: Callable[..., nn.Module]
    norm: Callable[..., nn.Module]
    dropout: float
    train: bool

    @nn.compact
    def __call__(self, x: jax.Array, cache: None, memory: jax.Array, mask: jax.Array) -> tuple[jax.Array, None]:
        drop = nn.Dropout(self.dropout, deterministic=not self.train)
        cross = self.attention(dim=x.shape[-1], name="cross")
        seen = cross.project(self.norm(name="memory_norm")(memory))
        x = x + drop(cross(self.norm(name="cross_norm")(x), seen, mask))
        return x + drop(self.mlp(name="mlp")(self.norm(name="mlp_norm")(x))), cache


def sized(block: type[nn.Module], sizes: Any, dim: int) -> partial:
    """A block for width `dim` with the `heads`, `hidden` (None: 4 dim) and `dropout` of `sizes`.

    Raises:
        ValueError: the heads do not divide the width.
    """
    return partial(
        block,
        attention=partial(Attention, heads=sizes.heads, head_dim=head_dim(dim, sizes.heads)),
        mlp=partial(Mlp, hidden=4 * dim if sizes.hidden is None else sizes.hidden),
        norm=LayerNorm,
        dropout=sizes.dropout,
    )


def head_dim(dim: int, heads: int) -> int:
    """The width of one of `heads` equal heads.

    Raises:
        ValueError: the heads do not divide the width.
    """
    if dim % heads:
        raise ValueError(f"heads {heads} does not divide the width {dim} of the tokens; choose a number that does")
    return dim // heads
