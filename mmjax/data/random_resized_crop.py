"""A part of a picture, drawn, at the size of the whole, and at times its mirror image (Szegedy et al., 1409.4842)."""

from __future__ import annotations

import dataclasses

import numpy as np

from mmjax.data import images, rectangle


@dataclasses.dataclass(frozen=True)
class RandomResizedCrop:
    """[H, W, 3] uint8, generator -> [H, W, 3] uint8.

    The part's share of the picture is uniform in `area`, and its height over width, beside the picture's own,
    log-uniform in `aspect`; where none fits in ten tries all of the picture stays. `flip` is the probability of the
    mirror image: 0 where left and right are asked about.
    """

    area: tuple[float, float] = (0.08, 1.0)
    aspect: tuple[float, float] = (3 / 4, 4 / 3)
    flip: float = 0.5

    def __post_init__(self):
        rectangle.check("area", self.area, 1.0)
        rectangle.check("aspect", self.aspect)
        rectangle.check_share("flip", self.flip)

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        sides = image.shape[:2]
        shape = sides[0] / sides[1]
        place = rectangle.drawn(rng, sides, self.area, (self.aspect[0] * shape, self.aspect[1] * shape))
        if place is not None:
            image = images.resize(image[place], sides)
        return image[:, ::-1] if rng.random() < self.flip else image
