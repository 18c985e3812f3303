"""Sound as samples: log-mel frames, made within the model, and an encoder of such frames.

x = frames(standardise(log_mel(samples)))   (nn.log_mel)
"""

import jax
import jax.numpy as jnp
from flax import linen as nn

from mmjax.core.precision import computing
from mmjax.core.tokens import Tokens
from mmjax.nn.checks import check_arrays, check_sizes
from mmjax.nn.log_mel import frame_mask, log_mel, standardised
from mmjax.nn.mel_filters import Scale, mel_filters


class Waveform(nn.Module):
    """Samples [B, N] in -1..1 with mask [B, N] to the Tokens [B, L, dim] that `frames` makes of log-mel frames.

    `rate` is in samples a second, `size` (the Fourier transform and its window) and `hop` in samples. Each example's
    frames get mean 0 and variance 1: how loud it is does not count.
    """

    dim: int
    frames: nn.Module
    rate: int = 16_000
    size: int = 400
    hop: int = 160
    mels: int = 80
    scale: Scale = "slaney"

    def __post_init__(self):
        super().__post_init__()
        check_sizes(self)
        mel_filters(self.rate, self.size, self.mels, self.scale)  # refuses what it cannot make
        if not 1 <= self.hop <= self.size:
            raise ValueError(f"hop is {self.hop}; expected 1 to size {self.size}, so that no sample is left out")
        if getattr(self.frames, "dim", self.dim) != self.dim:
            raise ValueError(f"frames.dim is {self.frames.dim}, but dim {self.dim}; make them equal")

    def __call__(self, values: jax.Array, mask: jax.Array, *, train: bool) -> Tokens:
        check_arrays(self, values, mask, "B N |")
        samples = jnp.where(mask, values, 0)
        real = frame_mask(mask, self.hop)
        found = log_mel(samples, self.rate, self.size, self.hop, self.mels, self.scale)
        return self.frames(standardised(found, real).astype(computing(self)), real, train=train)
