"""Span corruption: spans of a text are replaced by sentinels and written (Raffel et al. 2020, arXiv 1910.10683).

    text      a <extra_id_0> left of <extra_id_1>
    target    <extra_id_0> red circle <extra_id_1> a star

A share of the words, at least one, is cut out in spans whose mean length is given. Spans may stand anywhere, with a
word or more between two of them. The model sees no picture.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from mmjax.data.prompts.template import asked, check, fill


@dataclasses.dataclass(frozen=True)
class FillSpans:
    """Row {text} -> the text with sentinels in the prompt, the spans; the tokenizer needs its `sentinels`."""

    prompt: str = "{text}"
    share: float = 0.15
    mean: float = 3.0
    reads = ("text",)
    picture = False
    drawn = ("train", "evaluation")
    whole = r"<extra_id_\d+>"

    def __post_init__(self):
        check(self.prompt, "prompt", "text")
        if not 0 < self.share < 1 or self.mean < 1:
            raise ValueError(f"share is {self.share} and mean {self.mean}, expected 0 < share < 1 and a mean from 1")

    def __call__(self, row: Mapping[str, Any], rng: np.random.Generator) -> tuple[str, str]:
        words = row["text"].split()
        cut = min(max(round(len(words) * self.share), 1), max(len(words) - 1, 1))
        kept = max(len(words) - cut, 0)
        spans = max(1, min(round(cut / self.mean), cut, kept))
        before, *between = parts(kept + 2, spans + 1, rng)  # two more: none need stand before the first, after the last
        text, target, place = [], [], 0
        for number, (keep, drop) in enumerate(zip([before - 1, *between[:-1]], parts(cut, spans, rng), strict=True)):
            sentinel = f"<extra_id_{number}>"
            text += [*words[place : place + keep], sentinel]
            target += [sentinel, *words[place + keep : place + keep + drop]]
            place += keep + drop
        text += words[place:]
        return fill(self.prompt, text=" ".join(text)), " ".join(target)

    def ask(self, text: str | None) -> str:
        """The prompt for a text with sentinels in it; ValueError where there is none."""
        return asked(self.prompt, "text", text)


def parts(total: int, count: int, rng: np.random.Generator) -> list[int]:
    """`total` as a sum of `count` numbers of 1 or more, each way equally likely."""
    cuts = np.sort(rng.choice(total - 1, count - 1, replace=False)) + 1 if count > 1 else []
    return np.diff([0, *cuts, total]).tolist()
