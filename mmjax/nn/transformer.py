"""A plain trunk: pre-norm transformer blocks over tokens (Vaswani et al. 2017, arXiv 1706.03762)."""

from functools import partial

from flax import linen as nn

from mmjax.core.tokens import Tokens
from mmjax.nn import masks
from mmjax.nn.attention import Attention
from mmjax.nn.block import EncoderBlock
from mmjax.nn.layer_norm import LayerNorm
from mmjax.nn.mlp import Mlp
from mmjax.nn.stack import Stack


class Transformer(nn.Module):
    """Tokens [B, L, D] to Tokens [B, L, D]; `hidden` None is 4 D. It adds no positions: encoders do."""

    layers: int
    heads: int
    hidden: int | None = None
    dropout: float = 0.0
    scan: bool = False

    def __post_init__(self):
        super().__post_init__()
        for name in ("layers", "heads"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; expected at least 1")

    @nn.compact
    def __call__(self, tokens: Tokens, *, train: bool) -> Tokens:
        dim = tokens.x.shape[-1]
        if dim % self.heads:
            raise ValueError(f"tokens of width {dim} do not divide by heads {self.heads}; choose another number")
        block = partial(
            EncoderBlock,
            attention=partial(Attention, heads=self.heads, head_dim=dim // self.heads, use_bias=True),
            mlp=partial(Mlp, hidden=self.hidden or 4 * dim),
            norm=LayerNorm,
            dropout=self.dropout,
        )
        stack = Stack(block, self.layers, self.scan, name="stack")
        x, _ = stack(tokens.cleared().x, None, masks.keys(tokens.mask), None, train=train)
        return tokens.replace(x=LayerNorm(name="norm")(x))
