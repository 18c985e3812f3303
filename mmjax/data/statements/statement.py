"""A scene, a sentence about it and whether it is true, so that neither alone tells which.

A statement is drawn, and two scenes are made that differ as little as a few changes: of one it is true, of the other
false. A coin says which of them is shown, so that a statement is true as often as not, whatever it says.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from mmjax.data.generator import STATEMENT, generator
from mmjax.data.statements import about_items, about_towers
from mmjax.data.statements.boxes import Scene, change, draw, pick
from mmjax.data.statements.programs import Statement
from mmjax.data.statements.wording import Writer, an

NEAR, FAR = 24, 56  # changes tried of the first scene itself, and of what comes from it by changes
TOWERS = 0.47  # the share of the published pictures that show towers


@dataclasses.dataclass(frozen=True)
class Example:
    """What a row says; `other` is the scene that differs little, of which the statement is not as `label`."""

    scene: Scene
    sentence: str
    statement: Statement
    label: bool
    other: Scene


def example(seed: int, number: int) -> Example:
    """Example `number`: a pure function of seed and number."""
    rng = generator(STATEMENT, seed, number)
    towers = rng.random() < TOWERS
    while True:
        scene = draw(rng, towers)
        text, statement = (about_towers if towers else about_items).write(Writer(rng, pick(rng, scene), towers))
        if (other := opposite(rng, scene, statement)) is not None:
            break
    label = rng.random() < 0.5
    if statement.holds(scene) != label:
        scene, other = other, scene
    return Example(scene, rough(rng, an(text)), statement, label, other)


def opposite(rng: np.random.Generator, scene: Scene, statement: Statement) -> Scene | None:
    """A scene a few changes away where the statement is the opposite; None where none is found soon."""
    holds, other = statement.holds(scene), scene
    for number in range(NEAR + FAR):
        other = change(rng, scene if number < NEAR else other)
        if statement.holds(other) != holds:
            return other
    return None


def rough(rng: np.random.Generator, text: str) -> str:
    """As people type: large letters, full stops and first letters are there or not."""
    text = text[0].upper() + text[1:]
    if text.startswith(("All ", "At least ")) and rng.random() < 0.2:
        text = text[1:]
    elif rng.random() < 0.25:
        text = text[0].lower() + text[1:]
    if rng.random() < 0.03:
        text = text.replace(" is a ", " isa ", 1)
    return text + "." * (rng.random() < 0.5)
