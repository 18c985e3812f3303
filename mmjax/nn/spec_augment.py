"""SpecAugment: in training, bands of frequencies and stretches of time are silent (Park et al. 2019, arXiv 1904.08779).

width ~ U{0, ..., W},  start ~ U{0, ..., real length - width}
"""

import jax
import jax.numpy as jnp
from flax import linen as nn


class SpecAugment(nn.Module):
    """Frames [B, T, F] with mask [B, T] to frames with 0, the mean of standardised ones, in what is hidden.

    `bands` masks of up to `band` mels and `stretches` of up to `stretch` frames, and of no more than `share` of an
    example's frames each. Which frames are real does not change. Randomness is that of dropout.
    """

    bands: int = 2
    band: int = 27
    stretches: int = 2
    stretch: int = 100
    share: float = 0.2

    def __post_init__(self):
        super().__post_init__()
        for name in ("bands", "band", "stretches", "stretch"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is {getattr(self, name)}; expected 0 or more")
        if not 0 <= self.share <= 1:
            raise ValueError(f"share is {self.share}; expected a share in [0, 1]")

    @nn.compact
    def __call__(self, frames: jax.Array, mask: jax.Array, *, train: bool) -> jax.Array:
        if not train:
            return frames
        examples, times, mels = frames.shape
        over_mels, over_time = jax.random.split(self.make_rng("dropout"))
        every = jnp.full(examples, mels)
        hidden = _stripes(over_mels, self.bands, jnp.full(examples, min(self.band, mels)), every, mels)[:, None]
        # What is real comes first as a rule; where it does not, up to the last real frame counts.
        length = jnp.max(jnp.where(mask, jnp.arange(1, times + 1), 0), axis=1)
        most = jnp.minimum(self.stretch, jnp.floor(self.share * length)).astype(int)
        hidden |= _stripes(over_time, self.stretches, most, length, times)[:, :, None]
        return jnp.where(hidden, 0, frames)


def _stripes(key: jax.Array, count: int, most: jax.Array, length: jax.Array, size: int) -> jax.Array:
    """[B, size] bool: places in `count` stripes of up to `most` [B] places, each within the first `length` [B]."""
    for_width, for_start = (jax.random.uniform(k, (len(most), count)) for k in jax.random.split(key))
    width = jnp.floor(for_width * (most[:, None] + 1))
    start = jnp.floor(for_start * (length[:, None] - width + 1))
    at = jnp.arange(size)[:, None]
    return jnp.any((start[:, None] <= at) & (at < (start + width)[:, None]), axis=-1)
