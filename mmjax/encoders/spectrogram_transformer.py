"""The audio spectrogram transformer, unpooled: patches of log-mel frames are tokens (Gong et al. 2021, 2104.01778).

x = blocks(patch W + b + position)

Patches do not overlap, as in MBT (Nagrani et al. 2021, arXiv 2107.00135), so that tokens are fewer.
"""

import jax
import jax.numpy as jnp
from einops import rearrange, repeat
from flax import linen as nn

from mmjax.core.precision import computing
from mmjax.core.tokens import Tokens
from mmjax.nn.checks import check_arrays, check_sizes
from mmjax.nn.dense import Dense
from mmjax.nn.learned_position import flatten_grid
from mmjax.nn.sine_position import SinePosition
from mmjax.nn.time_cells import filled, real_cells
from mmjax.nn.transformer import Transformer


class SpectrogramTransformer(nn.Module):
    """Log-mel frames [B, T, F] with mask [B, T] to Tokens [B, ceil(T / patch[0]) F / patch[1], dim], time by time.

    A patch is real where any of its frames is. `augment` hides parts of the frames in training (`nn.spec_augment`).
    """

    dim: int
    patch: tuple[int, int] = (16, 16)
    layers: int = 4
    heads: int = 4
    hidden: int | None = None
    position: nn.Module = SinePosition()
    augment: nn.Module | None = None
    dropout: float = 0.0
    scan: bool = False

    def __post_init__(self):
        super().__post_init__()
        check_sizes(self)
        if min(self.patch) < 1:
            raise ValueError(f"patch is {self.patch}; expected frames and mels, at least 1 each")

    @nn.compact
    def __call__(self, values: jax.Array, mask: jax.Array, *, train: bool) -> Tokens:
        check_arrays(self, values, mask, "B T | F")
        times, mels = self.patch
        if values.shape[2] % mels:
            raise ValueError(f"patches of {mels} mels do not tile frames of {values.shape[2]}; change one of them")
        frames = jnp.where(mask[..., None], values, 0).astype(computing(self))
        if self.augment is not None:
            frames = self.augment(frames, mask, train=train)
        patches = rearrange(filled(frames, times), "b (t p) (f q) -> b t f (p q)", p=times, q=mels)
        x = flatten_grid(self.position(Dense(self.dim, name="patch")(patches)))
        x = nn.Dropout(self.dropout, deterministic=not train)(x)
        real = repeat(real_cells(mask, times), "b t -> b (t f)", f=patches.shape[2])
        trunk = Transformer(self.layers, self.heads, self.hidden, self.dropout, self.scan, name="transformer")
        return trunk(Tokens.of(x, real), train=train)
