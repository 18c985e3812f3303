"""Random erasing: a rectangle of a picture becomes noise (Zhong et al. 2017, arXiv 1708.04896)."""

from __future__ import annotations

import dataclasses

import numpy as np

TRIES = 10  # of a rectangle that fits


@dataclasses.dataclass(frozen=True)
class Erase:
    """[H, W, 3] uint8, generator -> [H, W, 3] uint8.

    With `probability` a rectangle is drawn whose share of the picture is uniform in `area` and whose height over width
    log-uniform in `aspect`; where none fits in ten tries the picture stays. Every value in it is uniform in 0..255.
    """

    probability: float = 0.25
    area: tuple[float, float] = (0.02, 1 / 3)
    aspect: tuple[float, float] = (0.3, 10 / 3)

    def __post_init__(self):
        if not 0 <= self.probability <= 1:
            raise ValueError(f"probability is {self.probability}; expected a number in [0, 1]")
        for name, most in (("area", 1.0), ("aspect", np.inf)):
            low, high = getattr(self, name)
            if not 0 < low <= high <= most:
                raise ValueError(f"{name} is {(low, high)}; expected two numbers with 0 < low <= high <= {most:g}")

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        if rng.random() >= self.probability:
            return image
        sides = np.array(image.shape[:2])
        for _ in range(TRIES):
            root = np.exp(rng.uniform(*np.log(self.aspect)) / 2)
            size = np.rint(np.sqrt(rng.uniform(*self.area) * sides.prod()) * np.array([root, 1 / root])).astype(int)
            if (size >= 1).all() and (size <= sides).all():
                top, left = rng.integers(sides - size + 1)
                erased = image.copy()
                erased[top : top + size[0], left : left + size[1]] = rng.integers(0, 256, (*size, 3), np.uint8)
                return erased
        return image
