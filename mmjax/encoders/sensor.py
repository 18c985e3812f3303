"""Regularly sampled sensors: masked convolutions over time, then a transformer over what they leave.

x = blocks(gelu(norm(conv(...))) + position)   (Ordóñez and Roggen 2016, doi 10.3390/s16010115, with attention)
"""

import jax
from flax import linen as nn

from mmjax.core.precision import computing
from mmjax.core.tokens import Tokens
from mmjax.nn.checks import check_arrays, check_sizes, check_strides
from mmjax.nn.gelu import gelu
from mmjax.nn.layer_norm import LayerNorm
from mmjax.nn.masked_conv import MaskedConv
from mmjax.nn.time_position import TimePosition
from mmjax.nn.transformer import Transformer


class Sensor(nn.Module):
    """Series [B, T, C] with mask [B, T], of unequal lengths, to Tokens [B, T / (product of strides), dim], rounded up.

    Each stride is a convolution; a token is real where any step that it stands for is. With no layers a token knows no
    more than the steps that its convolutions reach.
    """

    dim: int
    kernel: int = 5
    strides: tuple[int, ...] = (2, 2)
    layers: int = 2
    heads: int = 4
    hidden: int | None = None
    position: nn.Module = TimePosition()
    dropout: float = 0.0
    scan: bool = False

    def __post_init__(self):
        super().__post_init__()
        check_sizes(self, "kernel", none=("layers",))
        check_strides(self.kernel, self.strides)

    @nn.compact
    def __call__(self, values: jax.Array, mask: jax.Array, *, train: bool) -> Tokens:
        check_arrays(self, values, mask, "B T | C")
        tokens = Tokens.of(values.astype(computing(self)), mask)
        for i, stride in enumerate(self.strides):
            tokens = MaskedConv(self.dim, self.kernel, stride, name=f"conv_{i}")(tokens)
            tokens = tokens.replace(x=gelu(LayerNorm(name=f"norm_{i}")(tokens.x)))
        x = nn.Dropout(self.dropout, deterministic=not train)(self.position(tokens.x))
        trunk = Transformer(self.layers, self.heads, self.hidden, self.dropout, self.scan, name="transformer")
        return trunk(tokens.replace(x=x), train=train)
