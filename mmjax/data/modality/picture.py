"""A row's picture."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable
from typing import Any

import numpy as np
from PIL import Image

from mmjax.data import images
from mmjax.data.modality.sizes import check_sizes
from mmjax.data.part import Augmentation


@dataclasses.dataclass(frozen=True)
class Picture:
    """The feature `feature` as [size, size, 3] uint8 with mask []; no bytes are a missing picture.

    Of a picture that is not square `size` is (height, width). `resize` as in `data.images.resize`; `augment` changes
    training pictures.
    """

    feature: str
    size: int | tuple[int, int]
    resize: str | None = "stretch"
    augment: Augmentation | None = None
    files = True  # a path may stand for the picture

    def __post_init__(self):
        images.check_rule(self.resize, "resize")
        if not isinstance(self.size, tuple | list):
            check_sizes(self, "size")
        elif len(self.size) != 2 or min(self.size) < 1:
            raise ValueError(f"size is {self.size}; expected a number or (height, width), each at least 1")

    def blank(self) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros((*images.sides(self.size), 3), np.uint8), np.zeros((), bool)

    def fit(self, values: Iterable[Any]) -> dict[str, Any]:
        """Nothing: pixels have their scale."""
        return {}

    def __call__(self, value: Any, fitted: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """Raises ValueError or FileNotFoundError for what is no picture."""
        if value is None or (isinstance(value, bytes) and not value):
            return self.blank()
        if isinstance(value, list | tuple):
            raise ValueError(f"a list of {len(value)}; expected one picture: give one alone")
        if not isinstance(value, str | os.PathLike | bytes | np.ndarray | Image.Image):
            raise ValueError(
                f"{value!r:.60} is no picture: expected a path, an array [H, W, 3] uint8 or a Pillow image"
            )
        return images.resize(images.decode(value), self.size, self.resize), np.ones((), bool)

    def vary(
        self, values: np.ndarray, mask: np.ndarray, fitted: dict[str, Any], rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """The picture of a training row as `augment` changes it."""
        return self.augment(values, rng), mask
