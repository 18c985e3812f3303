"""Several changes of a picture, one after the other."""

from __future__ import annotations

import dataclasses

import numpy as np

from mmjax.data.part import Augmentation


@dataclasses.dataclass(frozen=True)
class Chain:
    """[H, W, 3] uint8, generator -> [H, W, 3] uint8; `parts` are such as `data.augment`, `data.rand_augment`."""

    parts: tuple[Augmentation, ...]

    def __post_init__(self):
        if not self.parts:
            raise ValueError("parts is empty; name at least one change, or leave out augment")

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        for part in self.parts:
            image = part(image, rng)
        return image
