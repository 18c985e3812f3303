"""What goes wrong with a modality between a sensor and a model, in batches of a split: noise, blur, delay, lost steps.

    noise   x + strength s n         n normal, s the deviation of the batch's real values
    blur    Gaussian of `strength` pixels across a picture, or of as many steps along a series or a sound
    shift   x(t - strength T)        later by that share of the length; what is moved beyond the end is lost
    drop    each step, or frame of a video, is lost with probability `strength`, but never all

(values [B, ...], mask, strength, generator) -> the same shapes and types (Hendrycks & Dietterich 2019, 1903.12261).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np

from mmjax.data.withhold import kept

Arrays = tuple[np.ndarray, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Corruption:
    """What is done, where it makes sense, and how strongly it is tried."""

    change: Callable[[np.ndarray, np.ndarray, float, np.random.Generator], Arrays]
    fits: Callable[[np.ndarray, np.ndarray], bool]
    strengths: tuple[float, ...]
    unit: str

    def over(
        self, batches: Iterable[Mapping[str, np.ndarray]], name: str, strength: float, seed: int
    ) -> Iterator[dict[str, np.ndarray]]:
        """The batches with one modality changed; the draws depend on the seed and the batch's number alone."""
        for number, batch in enumerate(batches):
            key = f"{name}_mask"
            values, mask = self.change(batch[name], batch[key], strength, np.random.default_rng((seed, number)))
            yield {**batch, name: values, key: mask}


def noise(values: np.ndarray, mask: np.ndarray, strength: float, rng: np.random.Generator) -> Arrays:
    real = values[mask]
    deviation = float(np.std(real, dtype=np.float64)) if real.size else 0.0
    added = strength * deviation * rng.standard_normal(values.shape, np.float32)
    return _typed(values + added, values.dtype), mask


def blur(values: np.ndarray, mask: np.ndarray, strength: float, rng: np.random.Generator) -> Arrays:
    x = values.astype(np.float32)
    if pictures(values, mask):
        for axis in (-3, -2):
            x = _smooth(x, np.ones((x.shape[axis], *(1,) * (-axis - 1)), np.float32), axis, strength)
        return _typed(x, values.dtype), mask
    real = mask.reshape(*mask.shape, *(1,) * (values.ndim - mask.ndim))
    # What is no step tells its neighbours nothing.
    smooth = _smooth(np.where(real, x, 0), real.astype(np.float32), 1, strength)
    return _typed(np.where(real, smooth, x), values.dtype), mask


def shift(values: np.ndarray, mask: np.ndarray, strength: float, rng: np.random.Generator) -> Arrays:
    steps = min(round(strength * mask.shape[1]), mask.shape[1])
    moved, there = np.zeros_like(values), np.zeros_like(mask)
    moved[:, steps:], there[:, steps:] = (part[:, : part.shape[1] - steps] for part in (values, mask))
    return moved, there


def drop(values: np.ndarray, mask: np.ndarray, strength: float, rng: np.random.Generator) -> Arrays:
    return values, kept(mask, strength, rng)


def pictures(values: np.ndarray, mask: np.ndarray) -> bool:
    """Pictures [B, H, W, 3] uint8, or frames [B, T, H, W, 3]."""
    return values.dtype == np.uint8 and values.ndim in (4, 5)


def measured(values: np.ndarray, mask: np.ndarray) -> bool:
    """Pictures, or numbers that are measured; ids of words are none."""
    return pictures(values, mask) or values.dtype.kind == "f"


def in_time(values: np.ndarray, mask: np.ndarray) -> bool:
    """Whatever has a mask for each step [B, T], and more than one."""
    return measured(values, mask) and mask.ndim == 2 and mask.shape[1] > 1


CORRUPTIONS = {
    "noise": Corruption(noise, measured, (0.25, 0.5, 1.0, 2.0), "deviations"),
    "blur": Corruption(
        blur, lambda values, mask: pictures(values, mask) or in_time(values, mask), (1, 2, 4), "pixels or steps"
    ),
    "shift": Corruption(shift, in_time, (0.1, 0.2, 0.4), "of the length"),
    "drop": Corruption(drop, in_time, (0.2, 0.4, 0.6, 0.8), "of the steps"),
}


def _smooth(x: np.ndarray, weights: np.ndarray, axis: int, deviation: float) -> np.ndarray:
    """The Gaussian mean along an axis, of values by weights 0 or 1; x is 0 where the weight is."""
    total, mass = np.zeros_like(x), np.zeros_like(weights)
    reach = min(int(np.ceil(3 * deviation)), x.shape[axis] - 1)
    for offset in range(-reach, reach + 1):
        weight = np.float32(np.exp(-0.5 * (offset / deviation) ** 2))
        _add(total, weight * x, axis, offset)
        _add(mass, weight * weights, axis, offset)
    return total / np.maximum(mass, 1e-12)


def _add(into: np.ndarray, part: np.ndarray, axis: int, offset: int) -> None:
    """Adds part[i] to into[i + offset] along an axis, as far as that is inside."""
    into, part = np.moveaxis(into, axis, 0), np.moveaxis(part, axis, 0)
    size = len(into)
    into[max(offset, 0) : size + min(offset, 0)] += part[max(-offset, 0) : size - max(offset, 0)]


def _typed(x: np.ndarray, dtype: np.dtype) -> np.ndarray:
    return np.clip(np.rint(x), 0, 255).astype(dtype) if dtype == np.uint8 else x.astype(dtype)
