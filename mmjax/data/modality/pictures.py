"""A row's pictures, always as many, such as the two that one statement is about."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable
from typing import Any

import numpy as np
from PIL import Image

from mmjax.data import images
from mmjax.data.modality.picture import Picture
from mmjax.data.modality.sizes import check_sizes
from mmjax.data.part import Augmentation


@dataclasses.dataclass(frozen=True)
class Pictures:
    """The feature `feature` as [count, size, size, 3] uint8 with mask [count]; a row has `count` pictures, or none.

    Unlike frames of a video none of them may be missing, and they stand in the order that the row gives. `size`,
    `resize` and `augment`, which changes each training picture by itself, as in `data.modality.picture`.
    """

    feature: str
    count: int
    size: int | tuple[int, int]
    resize: str | None = "stretch"
    augment: Augmentation | None = None
    files = True  # a path may stand for a picture

    def __post_init__(self):
        check_sizes(self, "count")
        self._one.blank()

    def blank(self) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros((self.count, *images.sides(self.size), 3), np.uint8), np.zeros(self.count, bool)

    def fit(self, values: Iterable[Any]) -> dict[str, Any]:
        """Nothing: pixels have their scale."""
        return {}

    def __call__(self, value: Any, fitted: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """Raises ValueError or FileNotFoundError for what is no picture, or another number of them."""
        given = listed(value)
        if not given:
            return self.blank()
        if len(given) != self.count:
            raise ValueError(
                f"{len(given)} picture{'s' * (len(given) > 1)}, expected {self.count}: give {self.count}, in the order "
                "that the run was trained with"
            )
        shown = [self._picture(number, one, fitted) for number, one in enumerate(given)]
        return np.stack(shown), np.ones(self.count, bool)

    def vary(
        self, values: np.ndarray, mask: np.ndarray, fitted: dict[str, Any], rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """The pictures of a training row as `augment` changes each."""
        return np.stack([self.augment(one, rng) for one in values]), mask

    @property
    def _one(self) -> Picture:
        return Picture(self.feature, self.size, self.resize)

    def _picture(self, number: int, value: Any, fitted: dict[str, Any]) -> np.ndarray:
        try:
            shown, there = self._one(value, fitted)
        except ValueError as error:
            raise ValueError(f"picture {number}: {str(error).removeprefix('picture: ')}") from None
        if not there:
            raise ValueError(f"picture {number} is missing; give all {self.count}, or none")
        return shown


def listed(value: Any) -> list[Any]:
    """Each of several pictures; one by itself is a list of one, and nothing of none."""
    if value is None or (isinstance(value, bytes) and not value):
        return []
    if isinstance(value, str | os.PathLike | bytes | Image.Image):
        return [value]
    if isinstance(value, np.ndarray) and value.ndim in (2, 3) and value.dtype == np.uint8:
        return [value]
    if not isinstance(value, np.ndarray | list | tuple):
        raise ValueError(f"{value!r:.60} is no list of pictures: expected paths, arrays [H, W, 3] or Pillow images")
    return list(value)
