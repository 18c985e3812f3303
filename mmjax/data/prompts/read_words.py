"""Optical character recognition: the words on a picture, from top to bottom."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from mmjax.data.prompts.template import check


@dataclasses.dataclass(frozen=True)
class ReadWords:
    """Row {words} -> the prompt, the words with spaces between them."""

    prompt: str = "Generate the ocr_text in en:"
    reads = ("words",)
    picture = True
    drawn = ()
    whole = ""

    def __post_init__(self):
        check(self.prompt, "prompt")

    def __call__(self, row: Mapping[str, Any], rng: np.random.Generator | None) -> tuple[str, str]:
        return self.prompt, " ".join(row["words"])

    def ask(self, text: str | None) -> str:
        """The prompt; a user's text is not needed."""
        return self.prompt
