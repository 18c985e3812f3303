"""A scene of three boxes as NLVR draws it: 400 x 100 pixels, light boxes with dark gaps, edges smoothed by 4 x 4."""

from __future__ import annotations

import functools

import numpy as np

from mmjax.data.statements.boxes import SIDE, Scene

GAP = 50  # pixels between two boxes
WIDTH = 3 * SIDE + 2 * GAP
GROUND, BETWEEN = 211, 128  # grey
PAINT = {"yellow": (255, 255, 0), "black": (0, 0, 0), "blue": (0, 153, 255)}
FINE = 4  # points a pixel and side that are in the shape or not


def render(scene: Scene) -> np.ndarray:
    """[SIDE, WIDTH, 3] uint8."""
    image = np.full((SIDE, WIDTH, 3), BETWEEN, np.uint8)
    for number, box in enumerate(scene):
        left = number * (SIDE + GAP)
        image[:, left : left + SIDE] = GROUND
        for item in box:
            x = left + item.x
            image[item.y : item.y + item.size, x : x + item.size] = stamp(item.shape, item.colour, item.size)
    return image


@functools.cache
def stamp(shape: str, colour: str, size: int) -> np.ndarray:
    """An item on the ground of a box, [size, size, 3] uint8."""
    part = cover(shape, size)[..., None]
    return np.round(GROUND + part * (np.array(PAINT[colour]) - GROUND)).astype(np.uint8)


def cover(shape: str, size: int) -> np.ndarray:
    """The share of each pixel that the shape covers, [size, size] in 0..1."""
    at = (np.arange(size * FINE) + 0.5) / FINE
    x, y = at[None] - size / 2, at[:, None]
    inside = {
        "square": np.ones_like(x + y, bool),
        "circle": x**2 + (y - size / 2) ** 2 <= size**2 / 4,
        "triangle": np.abs(x) <= y / 2,
    }[shape]
    return inside.reshape(size, FINE, size, FINE).mean((1, 3))
