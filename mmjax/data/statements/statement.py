"""A scene, a sentence about it and whether it is true, so that neither alone tells which.

A statement is drawn with two scenes: of one it is true, of the other false. A coin says which of them is shown, so that
a statement is true as often as not, whatever it says. Half the time the scenes differ as little as a few changes, which
makes a model look closely; half the time they have nothing in common, or little would be learnt to begin with.
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
DRAWN = 80  # scenes drawn of which one is to be true and one false
ALIKE = 0.5  # the share of statements whose scenes differ little
TOWERS = 0.47  # the share of the published pictures that show towers


@dataclasses.dataclass(frozen=True)
class Example:
    """What a row says; `other` is a scene of which the statement is not as `label`, `alike` one that differs little."""

    scene: Scene
    sentence: str
    statement: Statement
    label: bool
    other: Scene
    alike: bool


def example(seed: int, number: int) -> Example:
    """Example `number`: a pure function of seed and number."""
    rng = generator(STATEMENT, seed, number)
    towers, alike = rng.random() < TOWERS, rng.random() < ALIKE
    while True:
        scene = draw(rng, towers)
        text, statement = (about_towers if towers else about_items).write(Writer(rng, pick(rng, scene), towers))
        if not alike:
            scene = draw(rng, towers)  # of which nobody spoke
        other = opposite(rng, scene, statement) if alike else unlike(rng, towers, scene, statement)
        if other is not None:
            break
    label = rng.random() < 0.5
    if statement.holds(scene) != label:
        scene, other = other, scene
    return Example(scene, rough(rng, an(text)), statement, label, other, alike)


def unlike(rng: np.random.Generator, towers: bool, scene: Scene, statement: Statement) -> Scene | None:
    """Another scene where the statement is the opposite; None where none is found soon."""
    holds = statement.holds(scene)
    drawn = (draw(rng, towers) for _ in range(DRAWN))
    return next((other for other in drawn if statement.holds(other) != holds), None)


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
