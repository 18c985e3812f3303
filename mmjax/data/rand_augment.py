"""RandAugment: a few changes of a picture, drawn from a list, all of one strength (Cubuk et al. 2019, 1909.13719).

A picture goes through `count` changes one after the other, each drawn from `changes` and done with `probability`, as
strong as `strength` says from 0, not at all or nearly, to 1. Directions are drawn. What comes free is MEAN, the mean
colour of ImageNet's pictures.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

MEAN = (124, 116, 104)


@dataclasses.dataclass(frozen=True)
class RandAugment:
    """[H, W, 3] uint8, generator -> [H, W, 3] uint8.

    Args:
        count: how many changes are drawn for a picture.
        strength: in [0, 1]; published magnitudes are of 10.
        deviation: of the strength, which is drawn anew for each change and stays in [0, 1].
        probability: how often a change that is drawn is done.
        changes: names from CHANGES, of which each is as likely; None for all.
    """

    count: int = 2
    strength: float = 0.9
    deviation: float = 0.0
    probability: float = 0.5
    changes: tuple[str, ...] | None = None

    def __post_init__(self):
        if self.count < 1 or self.deviation < 0:
            raise ValueError(f"count is {self.count} and deviation {self.deviation}; expected at least 1 and 0")
        for name in ("strength", "probability"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}; expected a number in [0, 1]")
        odd = sorted(set(self.changes if self.changes is not None else ()) - set(CHANGES))
        if odd or self.changes == ():
            raise ValueError(f"changes has {odd[0] if odd else 'nothing'}; expected some of {', '.join(CHANGES)}")

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Another picture; the same state of the generator gives the same one."""
        names, picture = tuple(self.changes or CHANGES), Image.fromarray(image)
        for name in rng.choice(names, self.count):
            done, strength = rng.random() < self.probability, self.strength + self.deviation * rng.standard_normal()
            sign = 1 if rng.random() < 0.5 else -1
            if done:
                picture = CHANGES[str(name)](picture, float(np.clip(strength, 0, 1)), sign)
        return np.asarray(picture)


def _moved(picture: Image.Image, across: tuple[float, float, float], down: tuple[float, float, float]) -> Image.Image:
    """Each place of the result is taken from (across . (x, y, 1), down . (x, y, 1)) of the picture."""
    return picture.transform(
        picture.size, Image.Transform.AFFINE, (*across, *down), Image.Resampling.BILINEAR, fillcolor=MEAN
    )


def _solarized(picture: Image.Image, strength: float, sign: int) -> Image.Image:
    return ImageOps.solarize(picture, 256 - int(strength * 256))


def _brighter_then_solarized(picture: Image.Image, strength: float, sign: int) -> Image.Image:
    """Darker pixels, below 128, have up to 110 added."""
    return picture.point([min(255, v + int(strength * 110)) if v < 128 else v for v in range(256)] * 3)


def _enhanced(kind: Callable) -> Callable[[Image.Image, float, int], Image.Image]:
    """More or less of it: the factor is 1 +- 0.9 strength."""
    return lambda picture, strength, sign: kind(picture).enhance(max(0.1, 1 + sign * 0.9 * strength))


# Each takes a picture, a strength in [0, 1] and a direction, 1 or -1.
CHANGES: Mapping[str, Callable[[Image.Image, float, int], Image.Image]] = {
    "identity": lambda picture, strength, sign: picture,
    "autocontrast": lambda picture, strength, sign: ImageOps.autocontrast(picture),
    "equalize": lambda picture, strength, sign: ImageOps.equalize(picture),
    "invert": lambda picture, strength, sign: ImageOps.invert(picture),
    "posterize": lambda picture, strength, sign: ImageOps.posterize(picture, max(1, 4 - int(strength * 4))),
    "solarize": _solarized,
    "solarize_add": _brighter_then_solarized,
    "color": _enhanced(ImageEnhance.Color),
    "contrast": _enhanced(ImageEnhance.Contrast),
    "brightness": _enhanced(ImageEnhance.Brightness),
    "sharpness": _enhanced(ImageEnhance.Sharpness),
    "rotate": lambda picture, strength, sign: picture.rotate(
        sign * 30 * strength, Image.Resampling.BILINEAR, fillcolor=MEAN
    ),
    "shear_x": lambda picture, strength, sign: _moved(picture, (1, sign * 0.3 * strength, 0), (0, 1, 0)),
    "shear_y": lambda picture, strength, sign: _moved(picture, (1, 0, 0), (sign * 0.3 * strength, 1, 0)),
    "translate_x": lambda picture, strength, sign: _moved(
        picture, (1, 0, sign * 0.45 * strength * picture.width), (0, 1, 0)
    ),
    "translate_y": lambda picture, strength, sign: _moved(
        picture, (1, 0, 0), (0, 1, sign * 0.45 * strength * picture.height)
    ),
}
