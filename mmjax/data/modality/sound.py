"""A row's sound, as samples."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable
from typing import Any

import numpy as np

from mmjax.data import media
from mmjax.data.modality.scale import measured
from mmjax.data.modality.sizes import check_sizes

FULL = 2**15  # what 16-bit samples, as TFDS has them, are divided by
LOUDEST = 4.0  # a little beyond 1 is what filters and codecs leave; more is another unit


@dataclasses.dataclass(frozen=True)
class Sound:
    """The feature `feature` as [length] float32 in -1..1 with mask [length]; a sound without samples is missing.

    It is a file's path, which is read at `rate` samples a second, or samples of one channel at that rate: floats in
    -1..1, or 16-bit integers. A sound that is longer is an error, since where to cut it is the user's to say.
    """

    feature: str
    length: int
    rate: int = 16_000
    files = True  # a path may stand for the samples

    def __post_init__(self):
        check_sizes(self, "length", "rate")

    def blank(self) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros(self.length, np.float32), np.zeros(self.length, bool)

    def check(self, kind: Any, rate: int | None = None) -> None:
        """Raises ValueError where a TFDS feature, or else `rate` of the data set's metadata, tells another rate."""
        rate = getattr(kind, "sample_rate", None) or rate
        if rate and rate != self.rate:
            raise ValueError(f"its sound has {rate} samples a second, but rate is {self.rate}: set it to {rate}")

    def fit(self, values: Iterable[Any]) -> dict[str, Any]:
        """Nothing but the rate, which an encoder may want: samples have their scale."""
        return {"rate": self.rate}

    def __call__(self, value: Any, fitted: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """Raises ValueError or FileNotFoundError for what is no sound, or more than `length` samples."""
        samples = self._read(value)
        if len(samples) > self.length:
            raise ValueError(
                f"{len(samples)} samples, {len(samples) / self.rate:.2f} seconds, but its length is {self.length}: "
                f"set it to {len(samples)} or more, or cut the sound"
            )
        values, mask = self.blank()
        values[: len(samples)], mask[: len(samples)] = samples, True
        return values, mask

    def _read(self, value: Any) -> np.ndarray:
        if isinstance(value, str | os.PathLike):
            return media.read_audio(value, self.rate)
        samples = measured(value)
        if samples.size and samples.ndim != 1:
            raise ValueError(f"samples of shape {list(samples.shape)}, expected one channel, [samples]")
        if not np.isfinite(samples).all():
            raise ValueError(f"sample {np.flatnonzero(~np.isfinite(samples))[0]} is no finite number")
        whole = value is not None and np.issubdtype(np.asarray(value).dtype, np.signedinteger)
        loudest = np.abs(samples).max(initial=0)
        if loudest > (FULL if whole else LOUDEST):
            raise ValueError(f"samples of up to {loudest:,.0f}, expected floats in -1..1 or 16-bit integers")
        return (samples / FULL if whole else samples).astype(np.float32).reshape(-1)
