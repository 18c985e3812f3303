"""Speech as a transformer over strided convolutions of log-mel frames (Whisper: Radford et al. 2022, arXiv 2212.04356).

x = blocks(gelu(conv(gelu(conv(frames)))) + position)

Two strides of 2 make one token of four frames, as in front of a Conformer (Gulati et al. 2020, arXiv 2005.08100).
"""

import jax
from flax import linen as nn

from mmjax.core.precision import computing
from mmjax.core.tokens import Tokens
from mmjax.nn.checks import check_arrays, check_sizes, check_strides
from mmjax.nn.gelu import gelu
from mmjax.nn.masked_conv import MaskedConv
from mmjax.nn.time_position import TimePosition
from mmjax.nn.transformer import Transformer


class SpeechConv(nn.Module):
    """Log-mel frames [B, T, F] with mask [B, T] to Tokens [B, T / (product of strides), dim], rounded up.

    `augment` hides parts of the frames in training (`nn.spec_augment`).
    """

    dim: int
    kernel: int = 3
    strides: tuple[int, ...] = (2, 2)
    layers: int = 4
    heads: int = 4
    hidden: int | None = None
    position: nn.Module = TimePosition()
    augment: nn.Module | None = None
    dropout: float = 0.0
    scan: bool = False

    def __post_init__(self):
        super().__post_init__()
        check_sizes(self, "kernel")
        check_strides(self.kernel, self.strides)

    @nn.compact
    def __call__(self, values: jax.Array, mask: jax.Array, *, train: bool) -> Tokens:
        check_arrays(self, values, mask, "B T | F")
        tokens = Tokens.of(values.astype(computing(self)), mask).cleared()
        if self.augment is not None:
            tokens = tokens.replace(x=self.augment(tokens.x, mask, train=train))
        for i, stride in enumerate(self.strides):
            tokens = MaskedConv(self.dim, self.kernel, stride, name=f"conv_{i}")(tokens)
            tokens = tokens.replace(x=gelu(tokens.x))
        x = nn.Dropout(self.dropout, deterministic=not train)(self.position(tokens.x))
        trunk = Transformer(self.layers, self.heads, self.hidden, self.dropout, self.scan, name="transformer")
        return trunk(tokens.replace(x=x), train=train)
