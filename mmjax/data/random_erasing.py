"""Random erasing: a rectangle of a picture becomes noise (Zhong et al. 2017, arXiv 1708.04896)."""

from __future__ import annotations

import dataclasses

import numpy as np

from mmjax.data import rectangle


@dataclasses.dataclass(frozen=True)
class RandomErasing:
    """[H, W, 3] uint8, generator -> [H, W, 3] uint8.

    With `probability` a rectangle is drawn whose share of the picture is uniform in `area` and whose height over width
    log-uniform in `aspect`; where none fits in ten tries the picture stays. Every value in it is uniform in 0..255.
    """

    probability: float = 0.25
    area: tuple[float, float] = (0.02, 1 / 3)
    aspect: tuple[float, float] = (0.3, 10 / 3)

    def __post_init__(self):
        rectangle.check_share("probability", self.probability)
        rectangle.check("area", self.area, 1.0)
        rectangle.check("aspect", self.aspect)

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        if rng.random() >= self.probability:
            return image
        place = rectangle.drawn(rng, image.shape[:2], self.area, self.aspect)
        if place is None:
            return image
        erased = image.copy()
        erased[place] = rng.integers(0, 256, erased[place].shape, np.uint8)
        return erased
