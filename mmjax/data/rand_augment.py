"""RandAugment: a few changes of a picture, drawn from a list, all of one magnitude (Cubuk et al. 2019, 1909.13719).

A picture goes through `count` changes one after the other, each drawn from `changes` and done with `probability`, as
strong as `magnitude` says from 0, not at all or nearly, to 1. Directions are drawn.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from mmjax.data.rectangle import check_share

MEAN = (124, 116, 104)  # of ImageNet's pictures


@dataclasses.dataclass(frozen=True)
class RandAugment:
    """[H, W, 3] uint8, generator -> [H, W, 3] uint8.

    Args:
        count: how many changes are drawn for a picture.
        magnitude: in [0, 1]; published ones are of 10.
        deviation: of the magnitude, which is drawn anew for each change and stays in [0, 1].
        probability: how often a change that is drawn is done.
        changes: names from CHANGES, of which each is as likely; None for all.
        shift: how far pictures are moved at the magnitude 1, a share of their sides.
        symmetric: colours, contrast, brightness and sharpness are changed by the factor 1 +- 0.9 magnitude; where it is
            not set by 0.1 + 1.8 magnitude, as first published.
        fill: the colour of what comes free.
    """

    count: int = 2
    magnitude: float = 0.9
    deviation: float = 0.0
    probability: float = 0.5
    changes: tuple[str, ...] | None = None
    shift: float = 0.45
    symmetric: bool = True
    fill: tuple[int, int, int] = MEAN

    def __post_init__(self):
        if self.count < 1 or self.deviation < 0:
            raise ValueError(f"count is {self.count} and deviation {self.deviation}; expected at least 1 and 0")
        for name in ("magnitude", "probability", "shift"):
            check_share(name, getattr(self, name))
        if len(self.fill) != 3 or not all(0 <= one <= 255 for one in self.fill):
            raise ValueError(f"fill is {self.fill}; expected three numbers from 0 to 255")
        odd = sorted(set(self.changes if self.changes is not None else ()) - set(CHANGES))
        if odd or self.changes == ():
            raise ValueError(f"changes has {odd[0] if odd else 'nothing'}; expected some of {', '.join(CHANGES)}")

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Another picture; the same state of the generator gives the same one."""
        names, picture = tuple(self.changes or CHANGES), Image.fromarray(image)
        for name in rng.choice(names, self.count):
            done, magnitude = rng.random() < self.probability, self.magnitude + self.deviation * rng.standard_normal()
            sign = 1 if rng.random() < 0.5 else -1
            if done:
                picture = self.changed(picture, str(name), float(np.clip(magnitude, 0, 1)), sign)
        return np.asarray(picture)

    def changed(self, picture: Image.Image, name: str, magnitude: float, sign: int = 1) -> Image.Image:
        """The picture after the change of that name, in the direction 1 or -1 where it has one."""
        return CHANGES[name](self, picture, magnitude, sign)

    def moved(
        self, picture: Image.Image, across: tuple[float, float, float], down: tuple[float, float, float]
    ) -> Image.Image:
        """Each place of the result is taken from (across . (x, y, 1), down . (x, y, 1)) of the picture."""
        return picture.transform(
            picture.size, Image.Transform.AFFINE, (*across, *down), Image.Resampling.BILINEAR, fillcolor=self.fill
        )


Change = Callable[[RandAugment, Image.Image, float, int], Image.Image]


def _enhanced(kind: Callable) -> Change:
    """More or less of it."""

    def change(how: RandAugment, picture: Image.Image, magnitude: float, sign: int) -> Image.Image:
        factor = max(0.1, 1 + sign * 0.9 * magnitude) if how.symmetric else 0.1 + 1.8 * magnitude
        return kind(picture).enhance(factor)

    return change


def _brighter_then_solarized(how: RandAugment, picture: Image.Image, magnitude: float, sign: int) -> Image.Image:
    """Darker pixels, below 128, have up to 110 added."""
    return picture.point([min(255, v + int(magnitude * 110)) if v < 128 else v for v in range(256)] * 3)


# Each takes what draws it, a picture, a magnitude in [0, 1] and a direction, 1 or -1.
CHANGES: Mapping[str, Change] = {
    "identity": lambda how, picture, magnitude, sign: picture,
    "autocontrast": lambda how, picture, magnitude, sign: ImageOps.autocontrast(picture),
    "equalize": lambda how, picture, magnitude, sign: ImageOps.equalize(picture),
    "invert": lambda how, picture, magnitude, sign: ImageOps.invert(picture),
    "posterize": lambda how, picture, magnitude, sign: ImageOps.posterize(picture, max(1, 4 - int(magnitude * 4))),
    "solarize": lambda how, picture, magnitude, sign: ImageOps.solarize(picture, 256 - int(magnitude * 256)),
    "solarize_add": _brighter_then_solarized,
    "color": _enhanced(ImageEnhance.Color),
    "contrast": _enhanced(ImageEnhance.Contrast),
    "brightness": _enhanced(ImageEnhance.Brightness),
    "sharpness": _enhanced(ImageEnhance.Sharpness),
    "rotate": lambda how, picture, magnitude, sign: picture.rotate(
        sign * 30 * magnitude, Image.Resampling.BILINEAR, fillcolor=how.fill
    ),
    "shear_x": lambda how, picture, magnitude, sign: how.moved(picture, (1, sign * 0.3 * magnitude, 0), (0, 1, 0)),
    "shear_y": lambda how, picture, magnitude, sign: how.moved(picture, (1, 0, 0), (sign * 0.3 * magnitude, 1, 0)),
    "translate_x": lambda how, picture, magnitude, sign: how.moved(
        picture, (1, 0, sign * how.shift * magnitude * picture.width), (0, 1, 0)
    ),
    "translate_y": lambda how, picture, magnitude, sign: how.moved(
        picture, (1, 0, 0), (0, 1, sign * how.shift * magnitude * picture.height)
    ),
}
