"""Triangular filters that gather the bins of a Fourier transform on the mel scale, in its two published forms.

htk:    m(f) = 2595 log10(1 + f / 700)                               peaks of 1 (Young et al., The HTK Book)
slaney: m(f) = 3 f / 200 below 1000 Hz, else 15 + 27 ln(f / 1000) / ln 6.4   areas of 1 (Slaney 1998, Auditory Toolbox)
"""

from collections.abc import Callable
from typing import Literal

import numpy as np

Scale = Literal["slaney", "htk"]
CORNER, PITCH, STEP = 1000.0, 3 / 200, np.log(6.4) / 27  # Slaney: straight up to the corner, logarithmic beyond


def htk_mel(hertz: np.ndarray) -> np.ndarray:
    """Mel of frequencies in Hz."""
    return 2595 * np.log10(1 + np.asarray(hertz) / 700)


def htk_hertz(mel: np.ndarray) -> np.ndarray:
    """The inverse of `htk_mel`."""
    return 700 * (10 ** (np.asarray(mel) / 2595) - 1)


def slaney_mel(hertz: np.ndarray) -> np.ndarray:
    """Mel of frequencies in Hz."""
    hertz = np.asarray(hertz, np.float64)
    above = CORNER * PITCH + np.log(np.maximum(hertz, CORNER) / CORNER) / STEP
    return np.where(hertz < CORNER, hertz * PITCH, above)


def slaney_hertz(mel: np.ndarray) -> np.ndarray:
    """The inverse of `slaney_mel`."""
    mel = np.asarray(mel, np.float64)
    return np.where(mel < CORNER * PITCH, mel / PITCH, CORNER * np.exp(STEP * (mel - CORNER * PITCH)))


SCALES: dict[str, tuple[Callable, Callable]] = {"slaney": (slaney_mel, slaney_hertz), "htk": (htk_mel, htk_hertz)}


def mel_filters(rate: int, size: int, mels: int, scale: Scale = "slaney") -> np.ndarray:
    """[size // 2 + 1, mels] fp32: the weight of each bin in each filter, from 0 Hz to half the rate.

    Args:
        rate: samples a second.
        size: samples of the Fourier transform.
        mels: how many filters.

    Raises:
        ValueError: no such scale, or a filter so narrow that it holds no bin.
    """
    if scale not in SCALES:
        raise ValueError(f"scale is {scale!r}; expected one of {', '.join(SCALES)}")
    if min(rate, mels) < 1 or size < 2:
        raise ValueError(f"rate is {rate}, size {size} and mels {mels}; expected size at least 2, the others 1")
    to_mel, to_hertz = SCALES[scale]
    edges = to_hertz(np.linspace(to_mel(0.0), to_mel(rate / 2), mels + 2))
    bins = np.arange(size // 2 + 1)[:, None] * rate / size
    low, peak, high = edges[:-2], edges[1:-1], edges[2:]
    filters = np.maximum(0, np.minimum((bins - low) / (peak - low), (high - bins) / (high - peak)))
    empty = np.flatnonzero(~filters.any(axis=0))
    if len(empty):
        raise ValueError(
            f"mels is {mels}, but filter {empty[0]} lies between two bins of a transform of {size} samples; "
            "choose fewer mels or a larger size"
        )
    return (filters * (2 / (high - low) if scale == "slaney" else 1)).astype(np.float32)
