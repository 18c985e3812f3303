"""Log-mel frames of a waveform: a pure function, without parameters.

x_tf = ln max( sum_k M_kf |FFT(hann * samples around t hop)|_k^2, floor )

Frame t is centred on sample t * hop; beyond the ends there is silence. The floor lies about 80 dB below a full sine
by Slaney's filters, whose areas are 1.
"""

import jax
import jax.numpy as jnp
import numpy as np

from mmjax.nn.mel_filters import Scale, mel_filters
from mmjax.nn.time_cells import real_cells

FLOOR = 1e-6


def log_mel(waveform: jax.Array, rate: int, size: int, hop: int, mels: int, scale: Scale = "slaney") -> jax.Array:
    """waveform [B, N] in -1..1 to frames [B, ceil(N / hop), mels] in fp32; natural logarithms of powers.

    Args:
        rate: samples a second.
        size: samples of the Fourier transform and of its window.
        hop: samples from one frame to the next.

    Raises:
        ValueError: sizes that make no frames, see `mel_filters`.
    """
    if not 1 <= hop <= size:
        raise ValueError(f"hop is {hop}; expected 1 to size {size}, so that no sample is left out")
    filters = mel_filters(rate, size, mels, scale)
    samples = waveform.shape[1]
    count = -(-samples // hop)
    after = max(0, (count - 1) * hop + size - size // 2 - samples)
    padded = jnp.pad(waveform.astype(jnp.float32), ((0, 0), (size // 2, after)))
    places = np.arange(count)[:, None] * hop + np.arange(size)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    spectrum = jnp.fft.rfft(padded[:, places] * window.astype(np.float32), axis=-1)
    power = spectrum.real**2 + spectrum.imag**2
    return jnp.log(jnp.maximum(jnp.einsum("btk,kf->btf", power, filters), FLOOR))


def frame_mask(mask: jax.Array, hop: int) -> jax.Array:
    """Which samples [B, N] are real to which frames [B, ceil(N / hop)] are: those with one in the hop after them."""
    return real_cells(mask, hop)


def standardised(frames: jax.Array, mask: jax.Array) -> jax.Array:
    """Each example's real frames [B, T, F] with mean 0 and variance 1 over time and mels together; 0 where masked."""
    real = mask[..., None]
    frames = frames.astype(jnp.float32)
    count = jnp.maximum(jnp.sum(real, axis=(1, 2), keepdims=True) * frames.shape[-1], 1)
    mean = jnp.sum(jnp.where(real, frames, 0), axis=(1, 2), keepdims=True) / count
    centred = jnp.where(real, frames - mean, 0)
    variance = jnp.sum(centred**2, axis=(1, 2), keepdims=True) / count
    return centred * jax.lax.rsqrt(variance + 1e-5)
