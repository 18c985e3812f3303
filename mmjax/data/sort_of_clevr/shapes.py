"""Six coloured squares and circles on a plain ground, with questions about one of them or how it stands to the others.

Picture n of a seed is a pure function of (seed, n). (Santoro et al. 2017, arXiv 1706.01427)
"""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np

from mmjax.data.generator import RELATIONS, generator

SIDE, HALF = 75, 5  # of a picture, and half of an object's side, in pixels
GROUND = (255, 255, 255)
COLOURS = {
    "red": (255, 0, 0),
    "green": (0, 255, 0),
    "blue": (0, 0, 255),
    "orange": (255, 156, 0),
    "gray": (128, 128, 128),
    "yellow": (255, 255, 0),
}
SHAPES = ("square", "circle")
KINDS = ("relational", "non_relational")
# What is asked about the object of a colour; of each kind a third each.
ABOUT = {
    "relational": ("shape of the nearest", "shape of the farthest", "how many of its shape"),
    "non_relational": ("its shape", "is it on the left", "is it at the top"),
}
ANSWERS = ("yes", "no", *SHAPES, *"123456")
EACH = 10  # questions of each kind about a picture
WIDTH = len(COLOURS) + len(KINDS) + len(ABOUT["relational"])


@dataclasses.dataclass(frozen=True)
class Thing:
    """The object of a colour; x counts from the left and y from the top, in pixels."""

    shape: str
    x: int
    y: int


def things(rng: np.random.Generator) -> list[Thing]:
    """One object a colour, in the order of COLOURS: none overlaps another, and none has two nearest or farthest."""
    while True:
        places = rng.integers(HALF, SIDE - HALF, (len(COLOURS), 2))
        distance = np.sort(((places[:, None] - places) ** 2).sum(-1), axis=1)  # of each to itself, the nearest, ...
        apart = np.abs(places[:, None] - places).max(-1) + 3 * HALF * np.eye(len(places), dtype=int)
        if (
            (apart > 2 * HALF).all()
            and (distance[:, 1] < distance[:, 2]).all()
            and (distance[:, -2] < distance[:, -1]).all()
        ):
            shapes = rng.integers(len(SHAPES), size=len(COLOURS))
            return [Thing(SHAPES[s], int(x), int(y)) for s, (x, y) in zip(shapes, places, strict=True)]


def draw(shown: list[Thing]) -> np.ndarray:
    """The picture [SIDE, SIDE, 3] uint8."""
    image = np.full((SIDE, SIDE, 3), GROUND, np.uint8)
    for thing, colour in zip(shown, COLOURS.values(), strict=True):
        if thing.shape == "square":
            corners = [(at - HALF, at + HALF) for at in (thing.x, thing.y)]
            cv2.rectangle(image, *zip(*corners, strict=True), colour, cv2.FILLED)
        else:
            cv2.circle(image, (thing.x, thing.y), HALF, colour, cv2.FILLED)
    return image


def answer(shown: list[Thing], colour: int, kind: str, about: int) -> str:
    """The answer to question `about` of a kind on the object of a colour, which counts among those of its shape."""
    asked = shown[colour]
    if kind == "non_relational":
        return (asked.shape, *("yes" if at < SIDE / 2 else "no" for at in (asked.x, asked.y)))[about]
    others = [thing for thing in shown if thing is not asked]
    others.sort(key=lambda thing: (thing.x - asked.x) ** 2 + (thing.y - asked.y) ** 2)
    return (others[0].shape, others[-1].shape, str(sum(thing.shape == asked.shape for thing in shown)))[about]


def question(colour: int, kind: int, about: int) -> np.ndarray:
    """[WIDTH] bits: one of six colours, of two kinds, and of three questions of the kind."""
    bits = np.zeros(WIDTH, np.float32)
    bits[[colour, len(COLOURS) + kind, len(COLOURS) + len(KINDS) + about]] = 1
    return bits


def example(seed: int, number: int) -> dict[str, np.ndarray | list[str]]:
    """Picture `number` of a seed with EACH different questions of either kind, their answers and their kinds."""
    rng = generator(RELATIONS, seed, number)
    shown, rows = things(rng), []
    for place, kind in enumerate(KINDS):
        for drawn in rng.permutation(len(COLOURS) * len(ABOUT[kind]))[:EACH]:
            colour, about = divmod(int(drawn), len(ABOUT[kind]))
            rows.append((question(colour, place, about), answer(shown, colour, kind, about), kind))
    questions, answers, kinds = zip(*rows, strict=True)
    return {"image": draw(shown), "question": np.stack(questions), "answer": list(answers), "kind": list(kinds)}
