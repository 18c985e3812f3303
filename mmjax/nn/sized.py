"""Blocks whose sizes are the fields of a module and the width of the tokens that it is given."""

from collections.abc import Callable
from functools import partial
from typing import Any

from flax import linen as nn

from mmjax.nn.attention import Attention
from mmjax.nn.layer_norm import LayerNorm
from mmjax.nn.mlp import Mlp


def sized(
    block: type[nn.Module],
    sizes: Any,
    dim: int,
    *,
    use_bias: bool = False,
    approximate: bool = True,
    norm: Callable[..., nn.Module] = LayerNorm,
) -> partial:
    """A block for width `dim` with the `heads`, `hidden` (None: 4 dim) and `dropout` of `sizes`.

    `use_bias` is of the maps of its attention; `approximate` takes the tanh form of GELU.

    Raises:
        ValueError: the heads do not divide the width.
    """
    return partial(
        block,
        attention=partial(Attention, heads=sizes.heads, head_dim=head_dim(dim, sizes.heads), use_bias=use_bias),
        mlp=partial(Mlp, hidden=4 * dim if sizes.hidden is None else sizes.hidden, approximate=approximate),
        norm=norm,
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
