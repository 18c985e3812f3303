"""A plain trunk: pre-norm transformer blocks over tokens (Vaswani et al. 2017, arXiv 1706.03762)."""

from flax import linen as nn

from mmjax.core.tokens import Tokens
from mmjax.nn import masks
from mmjax.nn.block import EncoderBlock
from mmjax.nn.checks import check_sizes
from mmjax.nn.layer_norm import LayerNorm
from mmjax.nn.sized import sized
from mmjax.nn.stack import Stack


class Transformer(nn.Module):
    """Tokens [B, L, D] to Tokens [B, L, D]; `hidden` None is 4 D. It adds no positions: encoders do.

    With no layers it is a norm: each token stays by itself.
    """

    layers: int
    heads: int
    hidden: int | None = None
    dropout: float = 0.0
    scan: bool = False

    def __post_init__(self):
        super().__post_init__()
        check_sizes(self, none=("layers",))

    @nn.compact
    def __call__(self, tokens: Tokens, *, train: bool) -> Tokens:
        x = tokens.cleared().x
        if self.layers:
            block = sized(EncoderBlock, self, x.shape[-1], use_bias=True)
            stack = Stack(block, self.layers, self.scan, name="stack")
            x, _ = stack(x, None, masks.keys(tokens.mask), None, train=train)
        return tokens.replace(x=LayerNorm(name="norm")(x))
