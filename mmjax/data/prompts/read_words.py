"""Optical character recognition: the words on a picture, from top to bottom."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np


@dataclasses.dataclass(frozen=True)
class ReadWords:
    """Row {words} -> the prompt, the words with spaces between them."""

    prompt: str = "Generate the ocr_text in en:"
    reads = ("words",)
    picture = True
    drawn = False

    def __call__(self, row: Mapping[str, Any], rng: np.random.Generator) -> tuple[str, str]:
        return self.prompt, " ".join(row["words"])

    def ask(self, text: str | None) -> str:
        """The prompt; a user's text is not needed."""
        return self.prompt
