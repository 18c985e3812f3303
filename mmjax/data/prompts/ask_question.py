"""Visual question generation: from an answer the question (VQG of the VQ2A data, Changpinyo et al. 2022)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from mmjax.data.prompts.template import asked, check, fill


@dataclasses.dataclass(frozen=True)
class AskQuestion:
    """Row {question, answer} -> the answer in the prompt, the question."""

    prompt: str = "Generate a question in en: {answer}"
    reads = ("question", "answer")
    picture = True
    drawn = ()
    whole = ""

    def __post_init__(self):
        check(self.prompt, "prompt", "answer")

    def __call__(self, row: Mapping[str, Any], rng: np.random.Generator | None) -> tuple[str, str]:
        return fill(self.prompt, answer=row["answer"]), row["question"]

    def ask(self, text: str | None) -> str:
        """The prompt for an answer that a user wants a question for; ValueError where there is none."""
        return asked(self.prompt, "answer", text)
