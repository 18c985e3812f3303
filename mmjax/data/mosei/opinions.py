"""Spoken opinions as rows: text, audio and video step by step, with a sentiment from -3 to 3."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

MODALITIES = ("text", "audio", "vision")
LOWEST, HIGHEST = -3, 3
EMOTIONS = ("happiness", "sadness", "anger", "surprise", "disgust", "fear")  # in the order of MOSEI's labels
Row = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Opinions:
    """Rows {"id": str, "text", "audio", "vision": [T, C], "label": float, "emotions": [6]} of each split, fp32.

    Where all three have one L, or come from computational sequences, step t of one is step t of the others. A modality
    that a row lacks has no steps. An emotion is 1 where anybody saw it, 0 where nobody did, NaN where nobody was asked.

    Args:
        splits: the rows, by split.
        repaired: how many numbers of each modality were no finite ones and are 0 now.
        dropped: how many segments were left out, by the reason.
    """

    splits: dict[str, list[Row]]
    repaired: dict[str, int]
    dropped: dict[str, int]


def checked(label: float, path: Path, name: str) -> float:
    """The label of a row, or ValueError where it is no sentiment."""
    if not LOWEST <= label <= HIGHEST:
        raise ValueError(f"{path}: {name} has the label {label:g}; expected a number from {LOWEST} to {HIGHEST}")
    return label


def seen(emotions: np.ndarray) -> np.ndarray:
    """[6] float32: whether each emotion, rated from 0 to 3, was seen; NaN where there are no six ratings."""
    if emotions.shape != (len(EMOTIONS),):
        return np.full(len(EMOTIONS), np.nan, np.float32)
    return np.where(np.isfinite(emotions), emotions > 0, np.nan).astype(np.float32)
