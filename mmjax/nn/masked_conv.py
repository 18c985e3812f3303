"""A convolution over time that sees only real steps: what is masked counts as the zeros beyond the ends.

y_t = b + sum_j W_j x_(s t + j - left),  left = (kernel - stride) // 2

A result stands for the cell of `stride` steps that its window covers, so a series has the same results whatever the
length that it is padded to (padding by "SAME" shifts the windows with that length).
"""

import jax.numpy as jnp
from flax import linen as nn

from mmjax.core.tokens import Tokens
from mmjax.nn.dense import Dense
from mmjax.nn.time_cells import real_cells


class MaskedConv(nn.Module):
    """Tokens [B, T, C] to Tokens [B, ceil(T / stride), dim]; a result is real where a step of its cell is."""

    dim: int
    kernel: int
    stride: int = 1

    def __post_init__(self):
        super().__post_init__()
        if not 1 <= self.stride <= self.kernel:
            raise ValueError(f"stride is {self.stride}; expected 1 to the kernel's {self.kernel}, so that none is left")

    @nn.compact
    def __call__(self, tokens: Tokens) -> Tokens:
        mask = real_cells(tokens.mask, self.stride)
        count, left = mask.shape[1], (self.kernel - self.stride) // 2
        reach = (count - 1) * self.stride + self.kernel
        x = jnp.pad(tokens.cleared().x, ((0, 0), (left, reach - left - tokens.x.shape[1]), (0, 0)))
        # Slices and one product: short kernels are too small for the convolutions of a CPU.
        steps = [x[:, j : j + (count - 1) * self.stride + 1 : self.stride] for j in range(self.kernel)]
        return Tokens.of(Dense(self.dim, name="kernel")(jnp.concatenate(steps, axis=-1)), mask)
