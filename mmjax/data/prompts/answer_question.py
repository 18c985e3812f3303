"""Visual question answering: the question is asked, the answer is written."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from mmjax.data.prompts.template import asked, check, fill


@dataclasses.dataclass(frozen=True)
class AnswerQuestion:
    """Row {question, answer} -> the question in the prompt, the answer."""

    prompt: str = "Answer in en: {question}"
    reads = ("question", "answer")
    picture = True
    drawn = ()
    whole = ""

    def __post_init__(self):
        check(self.prompt, "prompt", "question")

    def __call__(self, row: Mapping[str, Any], rng: np.random.Generator | None) -> tuple[str, str]:
        return fill(self.prompt, question=row["question"]), row["answer"]

    def ask(self, text: str | None) -> str:
        """The prompt for a question that a user asks; ValueError where there is none."""
        return asked(self.prompt, "question", text)
