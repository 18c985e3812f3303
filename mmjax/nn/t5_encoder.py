"""The encoder of T5 1.1: pre-norm blocks with RMS norms, gated GELU and one relative position bias for all layers.

Raffel et al. 2020, arXiv 1910.10683; the 1.1 and mT5 form has gated feed-forwards (arXiv 2010.11934).
"""

from functools import partial

import jax.numpy as jnp
from flax import linen as nn

from mmjax.core.tokens import Tokens
from mmjax.nn import masks
from mmjax.nn.attention import Attention
from mmjax.nn.block import EncoderBlock
from mmjax.nn.checks import check_sizes
from mmjax.nn.gated_mlp import GatedMlp
from mmjax.nn.relative_position import RelativePosition
from mmjax.nn.rms_norm import RmsNorm
from mmjax.nn.stack import Stack


class T5Encoder(nn.Module):
    """Tokens [B, L, D] to Tokens [B, L, D]; the order of the tokens is their position."""

    layers: int
    heads: int
    head_dim: int
    hidden: int
    dropout: float = 0.0
    scan: bool = False

    def __post_init__(self):
        super().__post_init__()
        check_sizes(self)

    @nn.compact
    def __call__(self, tokens: Tokens, *, train: bool) -> Tokens:
        at = jnp.arange(tokens.x.shape[1])
        bias = RelativePosition(self.heads, both_sides=True, name="position")(at, at)
        drop = nn.Dropout(self.dropout, deterministic=not train)
        block = t5_block(EncoderBlock, self)
        x, _ = Stack(block, self.layers, self.scan, name="stack")(
            drop(tokens.cleared().x), None, masks.keys(tokens.mask), bias, train=train
        )
        return tokens.replace(x=drop(RmsNorm(name="norm")(x)))


def t5_block(block: type[nn.Module], sizes: nn.Module) -> partial:
    """A block of T5's kind with the sizes of a T5 encoder or decoder."""
    return partial(
        block,
        attention=partial(Attention, heads=sizes.heads, head_dim=sizes.head_dim, scale=1.0),
        mlp=partial(GatedMlp, hidden=sizes.hidden),
        norm=RmsNorm,
        dropout=sizes.dropout,
    )
