"""Batches with some modalities withheld, to be evaluated on: only masks change, so that nothing compiles anew.

m stays where u_m >= rate, or u_m is the largest of its row;  u_m uniform in [0, 1) for each m that is there
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

Batch = Mapping[str, np.ndarray]


def check_rate(rate: float) -> None:
    """Raises ValueError for what is no share in [0, 1)."""
    if not 0 <= rate < 1:
        raise ValueError(f"a missing rate of {rate:g}; expected one from 0 on and below 1, at which nothing is left")


def at_random(
    batches: Iterable[Batch], names: Sequence[str], rate: float, seed: int
) -> Iterator[dict[str, np.ndarray]]:
    """Each of the named modalities of a row is withheld with probability `rate`, but never all that are there.

    Drawn by the seed and the batch's number: what is gone at a rate is gone at every higher one.

    Raises:
        ValueError: as `check_rate`.
    """
    check_rate(rate)
    for number, batch in enumerate(batches):
        masks = [batch[f"{name}_mask"] for name in names]
        there = np.stack([mask.reshape(len(mask), -1).any(1) for mask in masks], axis=1)
        yield _masked(batch, names, kept(there, rate, np.random.default_rng((seed, number))).T)


def all_but(batches: Iterable[Batch], names: Sequence[str], shown: Sequence[str]) -> Iterator[dict[str, np.ndarray]]:
    """Of the named modalities those that are not `shown` are withheld."""
    for batch in batches:
        yield _masked(batch, names, [np.full(len(batch[name]), name in shown) for name in names])


def kept(there: np.ndarray, rate: float, rng: np.random.Generator) -> np.ndarray:
    """Which of those [B, M] that are there stay: the luckiest of a row always does."""
    luck = np.where(there, rng.random(there.shape), -1.0)
    return there & ((luck >= rate) | (luck == luck.max(axis=1, keepdims=True)))


def _masked(batch: Batch, names: Sequence[str], stays: Iterable[np.ndarray]) -> dict[str, np.ndarray]:
    masks = ((f"{name}_mask", batch[f"{name}_mask"], keep) for name, keep in zip(names, stays, strict=True))
    return {**batch, **{key: (mask.T & keep).T for key, mask, keep in masks}}
