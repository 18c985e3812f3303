"""Scenes drawn: [size, size, 3] uint8, the same scene at every size."""

from __future__ import annotations

import functools
import math

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mmjax.data.scene import COLOURS, Box, Scene

FINE = 4  # drawn so many times larger and averaged: soft edges at places between whole pixels
Colour = tuple[int, int, int]
RING = 0.28  # how thick a ring's rim and a cross's bars are, as a share of their side


def draw(scene: Scene, size: int) -> np.ndarray:
    """The picture [size, size, 3] uint8 of a scene."""
    side = size * FINE
    picture = Image.new("RGB", (side, side), scene.ground)
    pen = ImageDraw.Draw(picture)
    for thing in scene.things:
        SHAPE[thing.shape](pen, corners(thing.box, side), COLOURS[thing.colour])
    for word in scene.words:
        write(pen, word.text, corners(word.box, side), COLOURS[word.colour])
    return np.asarray(picture.reduce(FINE))


def corners(box: Box, side: int) -> tuple[float, float, float, float]:
    """A box in Pillow's order: left, top, right, bottom in pixels."""
    top, left, bottom, right = (value * side for value in box)
    return left, top, right - 1, bottom - 1


def circle(pen: ImageDraw.ImageDraw, box: Box, fill: Colour) -> None:
    """An ellipse that touches the box's sides, left, top, right, bottom in pixels."""
    pen.ellipse(box, fill=fill)


def rectangle(pen: ImageDraw.ImageDraw, box: Box, fill: Colour) -> None:
    """The whole box."""
    pen.rectangle(box, fill=fill)


def triangle(pen: ImageDraw.ImageDraw, box: Box, fill: Colour) -> None:
    """From the lower corners to the middle of the upper side."""
    left, top, right, bottom = box
    pen.polygon([(left, bottom), ((left + right) / 2, top), (right, bottom)], fill=fill)


def star(pen: ImageDraw.ImageDraw, box: Box, fill: Colour) -> None:
    """Five points within the box's width, one upwards."""
    left, top, right, bottom = box
    middle, radius = ((left + right) / 2, (top + bottom) / 2), (right - left) / 2
    turns = [math.pi * (place / 5 - 0.5) for place in range(10)]
    reach = [radius * (1 if place % 2 == 0 else 0.45) for place in range(10)]
    points = [(middle[0] + r * math.cos(t), middle[1] + r * math.sin(t)) for r, t in zip(reach, turns, strict=True)]
    pen.polygon(points, fill=fill)


def cross(pen: ImageDraw.ImageDraw, box: Box, fill: Colour) -> None:
    """Two bars as long as the box."""
    left, top, right, bottom = box
    aside = (right - left) * (1 - RING) / 2
    pen.rectangle((left + aside, top, right - aside, bottom), fill=fill)
    pen.rectangle((left, top + aside, right, bottom - aside), fill=fill)


def ring(pen: ImageDraw.ImageDraw, box: Box, fill: Colour) -> None:
    """A circle's rim."""
    pen.ellipse(box, outline=fill, width=max(1, round((box[2] - box[0]) * RING)))


def write(pen: ImageDraw.ImageDraw, text: str, box: Box, fill: Colour) -> None:
    """A word as large as its box allows, in the typeface that Pillow carries."""
    left, top, right, bottom = box
    probe = font(64).getbbox(text)
    scale = min((right - left) / (probe[2] - probe[0]), (bottom - top) / (probe[3] - probe[1]))
    chosen = font(max(4, int(64 * scale)))
    x0, y0, x1, y1 = chosen.getbbox(text)
    place = ((left + right - x1 - x0) / 2, (top + bottom - y1 - y0) / 2)
    pen.text(place, text, fill=fill, font=chosen)


@functools.cache
def font(size: int) -> ImageFont.FreeTypeFont:
    """Pillow's own typeface at a size in pixels."""
    return ImageFont.load_default(size=size)


SHAPE = {"circle": circle, "rectangle": rectangle, "triangle": triangle, "star": star, "cross": cross, "ring": ring}
