"""Rows of seeded scenes, drawn when they are read: captions, questions, words and objects of each."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mmjax.data.generator import QUESTIONS, WORD, generator
from mmjax.data.scene import scene
from mmjax.data.scene_picture import draw
from mmjax.data.scene_texts import caption, questions
from mmjax.data.split import Split

TEST = WORD  # the number of the first test scene: no training scene is one of them


@dataclasses.dataclass(frozen=True)
class Scenes:
    """`train` and `test` scenes of a seed, with so many things, words (least, most) and questions each.

    Pictures are drawn at `side` pixels; for other sizes of a batch they are resized.
    """

    train: int = 10_000
    test: int = 500
    things: tuple[int, int] = (1, 4)
    words: tuple[int, int] = (0, 2)
    questions: int = 8
    side: int = 64
    seed: int = 0

    gives = ("image", "group", "question", "answer", "caption", "text", "words", "labels", "objects")

    def __post_init__(self):
        (least, most), (no, many) = self.things, self.words
        if not 1 <= least <= most <= 8 or not 0 <= no <= many <= 3:
            raise ValueError(f"things is {self.things} and words {self.words}, expected 1 to 8 things and 0 to 3 words")
        if not 0 < self.train <= TEST or not 0 < self.test <= TEST or self.side < 16 or not 1 <= self.questions <= 32:
            raise ValueError(
                f"train is {self.train}, test {self.test}, side {self.side}, questions {self.questions}; expected 1 or "
                "more scenes, sides of 16 pixels or more and 1 to 32 questions"
            )
        if not 0 <= self.seed < WORD:
            raise ValueError(f"seed is {self.seed}, expected 0 to 2 ** 32 - 1")

    def split(self, name: str, reads: Sequence[str]) -> Split:
        """The training or test scenes; a row for each question where questions are read, else one for each scene."""
        if name not in ("train", "test"):
            raise ValueError(f"scenes have no split {name!r}: they have train and test")
        first, count = (0, self.train) if name == "train" else (TEST, self.test)
        rows = self.questions if {"question", "answer"} & set(reads) else 1

        def scene_of(row: int) -> int:
            return first + int(row) // rows

        return Split(
            f"scenes {name}",
            np.arange(count * rows) // rows,
            lambda row: facts(self, scene_of(row), int(row) % rows if rows > 1 else None),
            lambda row: [draw(scene(self.seed, scene_of(row), self.things, self.words), self.side)],
        )


def facts(source: Scenes, number: int, place: int | None) -> Mapping[str, Any]:
    """All fields of a row: question `place` of a scene (None: no question), and what is the same in all its rows."""
    shown = scene(source.seed, number, source.things, source.words)
    said = caption(shown)
    row = {
        "caption": said,
        "text": said,
        "words": [word.text for word in shown.words],
        "labels": [thing.label for thing in shown.things],
        "objects": [{"label": thing.label, "box": thing.box} for thing in shown.things],
    }
    if place is None:
        return row
    question, answer = asked(source, number)[place]
    return {**row, "question": question, "answer": answer}


@functools.lru_cache(maxsize=1024)
def asked(source: Scenes, number: int) -> list[tuple[str, str]]:
    """The questions of a scene: a pure function of its seed and number."""
    shown = scene(source.seed, number, source.things, source.words)
    return questions(shown, source.questions, generator(QUESTIONS, source.seed, number))
