"""The same picture at another place, size and side and in another light; what is asked about it stays true.

    x'(p) = gain * x((p - place) / scale + start)      scale log-uniform, gain uniform per channel

On a plain ground (drawings, signs, products) the content's box is known: it is moved only where it stays
whole, what the edge cuts stays at that edge, and the ground alone takes another shade. Other pictures are
cropped or shrunk as a whole, and what comes free is filled with the colour of their border.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from PIL import Image

PLAIN = 24  # a pixel this near to the ground's colour, in every channel, is ground
SHARE = 0.6  # a ground is plain when this share of the border shows it
LEAST = 1 / 8  # content is not shrunk below this share of the picture: nobody could say what it is
SOFT = 64  # a pixel this far from the ground is all content; in between, edges blend and leave no rim


@dataclasses.dataclass(frozen=True)
class Augment:
    """[H, W, 3] uint8, generator -> [H, W, 3] uint8. Nothing is turned or stretched: a square stays a square.

    `scale` bounds the zoom, `shift` is how far content moves at most (a share of the picture), `flip` the
    probability of the mirror image, `tint` the largest change of a channel's gain, `ground` that of a plain
    ground's colour. Where left and right are asked about, flip must be 0.
    """

    scale: tuple[float, float] = (0.6, 1.6)
    shift: float = 1.0
    flip: float = 0.5
    tint: float = 0.06
    ground: int = 48

    def __post_init__(self):
        low, high = self.scale
        if not 0 < low <= high:
            raise ValueError(f"scale is {self.scale}, expected two numbers with 0 < low <= high")
        if min(self.shift, self.flip, self.tint, self.ground) < 0 or max(self.flip, self.tint) > 1:
            raise ValueError("shift and ground must be 0 or more, flip and tint between 0 and 1")

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Another view of the image; the same state of the generator gives the same view."""
        colour, plain = border(image)
        spans = None
        if plain:
            distance = furthest(image.astype(np.int16) - colour)
            spans = extent(distance > PLAIN)
        if spans is not None and self.ground:
            image, colour = self.shade(image, colour, distance, rng)
        image = self.move(image, colour, spans, rng)
        if self.flip and rng.random() < self.flip:
            image = image[:, ::-1]
        if not self.tint:
            return image
        gain = rng.uniform(1 - self.tint, 1 + self.tint, 3)
        table = np.minimum(np.rint(np.arange(256) * gain[:, None]), 255).astype(np.uint8)  # [3, 256]
        return np.stack([table[channel][image[..., channel]] for channel in range(3)], axis=-1)

    def shade(self, image, colour, distance, rng) -> tuple[np.ndarray, np.ndarray]:
        """Another shade of ground, at most a third of the way to the content; -> image, ground's colour."""
        most = min(self.ground, np.median(distance[distance > PLAIN]) / 3)
        new = np.clip(colour + rng.uniform(-most, most, 3), 0, 255).astype(np.int16)
        content = np.minimum(distance, SOFT)[..., None] / SOFT
        changed = image + (1 - content) * (new - colour)
        return np.clip(np.rint(changed), 0, 255).astype(np.uint8), new

    def move(self, image, colour, spans, rng) -> np.ndarray:
        """Zoomed and moved: the content between its spans down and across, or the whole without spans."""
        sizes = image.shape[:2]
        scale = float(np.exp(rng.uniform(*np.log(self.scale))))
        if spans is not None:
            shares = [(stop - start) / size for size, (start, stop) in zip(sizes, spans, strict=True)]
            scale = min(max(scale, min(1, LEAST / max(shares))), 1 / max(shares))
        offsets = []
        for size, (start, stop) in zip(sizes, spans or [(0, size) for size in sizes], strict=True):
            place = self.place(start, stop, size, scale, rng)
            offsets.append(start - place / scale)
        down, across = offsets
        moved = Image.fromarray(image).transform(
            sizes[::-1],
            Image.Transform.AFFINE,
            (1 / scale, 0, across, 0, 1 / scale, down),
            Image.Resampling.BILINEAR,
            fillcolor=tuple(int(value) for value in colour),
        )
        return np.asarray(moved)

    def place(self, start: int, stop: int, size: int, scale: float, rng: np.random.Generator) -> float:
        """Where the span start..stop begins after zooming, along one axis of `size` pixels."""
        room = size - scale * (stop - start)
        if start == 0 and stop == size:
            return rng.uniform(min(0, room), max(0, room))  # shrunk: anywhere inside; enlarged: any crop
        if start == 0 or stop == size:
            return 0.0 if start == 0 else room
        centred = (start + stop) / 2 - scale * (stop - start) / 2
        low, high = np.clip([centred - self.shift * size, centred + self.shift * size], 0, room)
        return rng.uniform(low, high)


def border(image: np.ndarray) -> tuple[np.ndarray, bool]:
    """The median colour of the outermost pixels [3] int16, and whether most of them show it."""
    ring = np.concatenate([image[0], image[-1], image[1:-1, 0], image[1:-1, -1]]).astype(np.int16)
    colour = np.sort(ring, axis=0)[len(ring) // 2]
    near = furthest(ring - colour) <= PLAIN
    return colour, bool(near.mean() >= SHARE)


def furthest(difference: np.ndarray) -> np.ndarray:
    """[..., 3] -> the largest absolute value of the channels [...]; numpy's own `max(-1)` takes three times as long."""
    red, green, blue = np.moveaxis(np.abs(difference), -1, 0)
    return np.maximum(np.maximum(red, green), blue)


def extent(content: np.ndarray) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """(start, stop) of the True pixels down and across, None where there are none."""
    rows, columns = np.flatnonzero(content.any(1)), np.flatnonzero(content.any(0))
    if not len(rows):
        return None
    return (int(rows[0]), int(rows[-1]) + 1), (int(columns[0]), int(columns[-1]) + 1)
