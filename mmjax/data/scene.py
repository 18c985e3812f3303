"""Seeded scenes: coloured shapes and a few words on a plain ground, as facts from which pictures and texts are made.

Scene number n of a seed is a pure function of (seed, n). Places are shares of the picture's side, so that a scene is
the same at every size; nothing overlaps, so that everything which is said about it can be seen.
"""

from __future__ import annotations

import dataclasses
import functools

import numpy as np

from mmjax.data.generator import SCENE, generator

Box = tuple[float, float, float, float]  # top, left, bottom, right in 0..1

SHAPES = ("circle", "rectangle", "triangle", "star", "cross", "ring")
COLOURS = {
    "red": (255, 0, 0),
    "green": (0, 255, 0),
    "blue": (0, 0, 255),
    "yellow": (255, 255, 0),
    "teal": (0, 128, 128),
    "brown": (165, 42, 42),
    "gray": (128, 128, 128),
    "black": (0, 0, 0),
    "orange": (255, 140, 0),
    "purple": (140, 30, 200),
}
SIZES = {"small": (0.13, 0.2), "large": (0.28, 0.42)}  # the longer side
# fmt: off
WORDS = (
    "apple", "bank", "cafe", "door", "exit", "farm", "gate", "hotel", "idea", "jazz", "kite", "lake", "menu",
    "north", "open", "park", "quiet", "road", "stop", "taxi", "under", "video", "water", "yes", "zoo", "one", "two",
    "three", "four", "five", "six", "seven", "eight", "nine", "ten",
)
# fmt: on
LETTER = 0.62  # a letter's width as a share of its height
TRIES = 100  # places tried for a thing before the scene does without it
LABELS = tuple(f"{colour} {shape}" for colour in COLOURS for shape in SHAPES)
INKS = tuple(colour for colour in COLOURS if colour != "yellow")  # nobody could read yellow on a light ground


@dataclasses.dataclass(frozen=True)
class Thing:
    """A shape on the picture."""

    shape: str
    colour: str
    size: str
    box: Box

    @property
    def label(self) -> str:
        """What it is called: "red circle"."""
        return f"{self.colour} {self.shape}"

    @property
    def centre(self) -> tuple[float, float]:
        """Down and across."""
        top, left, bottom, right = self.box
        return (top + bottom) / 2, (left + right) / 2


@dataclasses.dataclass(frozen=True)
class Word:
    """A word written on the picture."""

    text: str
    colour: str
    box: Box


@dataclasses.dataclass(frozen=True)
class Scene:
    """What there is: things in the order of reading, left to right; words from top to bottom; the ground's colour."""

    things: tuple[Thing, ...]
    words: tuple[Word, ...]
    ground: tuple[int, int, int]


@functools.lru_cache(maxsize=1024)  # the rows of one picture ask for its scene one after the other
def scene(seed: int, number: int, things: tuple[int, int], words: tuple[int, int]) -> Scene:
    """Scene `number` of a seed, with so many things and words (least, most).

    No two things have the same label. Where no place is left, a scene has fewer things or words than were drawn.
    """
    rng = generator(SCENE, seed, number)
    ground = tuple(int(value) for value in rng.integers(200, 256, 3))
    kinds = rng.choice(len(LABELS), rng.integers(things[0], things[1] + 1), replace=False)
    texts = rng.choice(len(WORDS), rng.integers(words[0], words[1] + 1), replace=False)
    taken: list[Box] = []
    found, written = [], []

    def put(kind: int) -> None:
        colour, shape = LABELS[kind].split()
        size = str(rng.choice(list(SIZES)))
        if box := place(rng, *sides(rng, shape, size), taken):
            found.append(Thing(shape, colour, size, box))

    put(kinds[0])  # beside one thing there is always room for a word
    for text in texts:
        if box := place(rng, *extent(WORDS[text], rng.uniform(0.14, 0.2)), taken):
            written.append(Word(WORDS[text], str(rng.choice(INKS)), box))
    for kind in kinds[1:]:
        put(kind)
    order = sorted(found, key=lambda thing: thing.centre[1])
    return Scene(tuple(order), tuple(sorted(written, key=lambda word: word.box)), ground)


def sides(rng: np.random.Generator, shape: str, size: str) -> tuple[float, float]:
    """Height and width; rectangles and triangles differ in their proportions."""
    side = rng.uniform(*SIZES[size])
    if shape not in ("rectangle", "triangle"):
        return side, side
    other = side * rng.uniform(0.6, 1.0)
    return (side, other) if rng.random() < 0.5 else (other, side)


def extent(text: str, height: float) -> tuple[float, float]:
    """Height and width of a written word, made smaller where it would not fit across."""
    height = min(height, 0.9 / (LETTER * len(text)))
    return height, LETTER * height * len(text)


def place(rng: np.random.Generator, height: float, width: float, taken: list[Box]) -> Box | None:
    """A free box of this extent, which is then taken too; None where none was found."""
    for top, left in rng.uniform((0, 0), (1 - height, 1 - width), (TRIES, 2)).tolist():
        box = (top, left, top + height, left + width)
        if all(apart(box, other) for other in taken):
            taken.append(box)
            return box
    return None


def apart(one: Box, other: Box, gap: float = 0.02) -> bool:
    """Whether two boxes leave a gap between them."""
    down = one[0] > other[2] + gap or other[0] > one[2] + gap
    return down or one[1] > other[3] + gap or other[1] > one[3] + gap
