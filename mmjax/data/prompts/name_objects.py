"""Object-aware questions: which objects are there, which of a list are, is this one (PaLI, arXiv 2209.06794).

The list holds some objects of the picture and distractors, others that are not on it, in random order.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mmjax.data.prompts.template import asked, check, fill


@dataclasses.dataclass(frozen=True)
class NameObjects:
    """Row {labels} -> one of three questions and its answer; a form whose prompt is "" is not asked.

    `names` is where distractors are taken from, which `which` and `one` need: the labels of the data, such as
    `data.scene.LABELS`. `listed` is how many names `which` lists at most.
    """

    every: str = "Answer in en: list the objects in the image."
    which: str = "Answer in en: which of {objects} are in the image?"
    one: str = "Answer in en: is {objects} in the image?"
    nothing: str = "none"
    names: tuple[str, ...] = ()
    listed: int = 4
    reads = ("labels",)
    picture = True
    drawn = ("train", "evaluation")
    whole = ""

    def __post_init__(self):
        for name in ("which", "one"):
            if getattr(self, name):
                check(getattr(self, name), name, "objects")
        if not (self.every or self.which or self.one) or self.listed < 1:
            raise ValueError("every, which and one are empty, or listed is below 1: expected one prompt and one name")
        if (self.which or self.one) and not self.names:
            raise ValueError(
                "names is empty, but which and one ask about objects that are not there: give the labels of the data, "
                "or set which and one to ''"
            )

    def __call__(self, row: Mapping[str, Any], rng: np.random.Generator) -> tuple[str, str]:
        there = list(dict.fromkeys(row["labels"]))
        forms = [form for form in ("every", "which", "one") if getattr(self, form)]
        return getattr(self, f"ask_{forms[rng.integers(len(forms))]}")(there, rng)

    def ask_every(self, there: Sequence[str], rng: np.random.Generator) -> tuple[str, str]:
        """All objects, each name once."""
        return self.every, self.answer(there)

    def ask_which(self, there: Sequence[str], rng: np.random.Generator) -> tuple[str, str]:
        """The names of the list that are there, in the list's order."""
        absent = self.absent(there)
        right = self.some(there, rng.integers(0 if absent else 1, min(self.listed, len(there)) + 1), rng)
        names = self.some([*right, *self.some(absent, self.listed - len(right), rng)], self.listed, rng)
        return fill(self.which, objects=", ".join(names)), self.answer([name for name in names if name in right])

    def ask_one(self, there: Sequence[str], rng: np.random.Generator) -> tuple[str, str]:
        """Yes or no with equal probability."""
        absent = self.absent(there)
        right = bool(there) and (not absent or rng.random() < 0.5)
        (name,) = self.some(there if right else absent, 1, rng)
        return fill(self.one, objects=name), "yes" if right else "no"

    def absent(self, there: Sequence[str]) -> list[str]:
        """The distractors."""
        return [name for name in self.names if name not in there]

    def some(self, names: Sequence[str], count: int, rng: np.random.Generator) -> list[str]:
        """At most `count` of the names, in random order."""
        return [names[place] for place in rng.permutation(len(names))[:count]]

    def answer(self, names: Sequence[str]) -> str:
        """Names as they are answered."""
        return ", ".join(names) or self.nothing

    def ask(self, text: str | None) -> str:
        """Whether what a user names is there; without a text, what there is (ValueError where that is not asked)."""
        forms = (self.one, self.which, self.every) if text else (self.every, self.one, self.which)
        return asked(next(filter(None, forms)), "objects", text)
