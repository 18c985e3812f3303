"""Optical character recognition: the words on a picture, from top to bottom."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from mmjax.data.prompts.fixed import Fixed


@dataclasses.dataclass(frozen=True)
class ReadWords(Fixed):
    """Row {words} -> the prompt, the words with spaces between them."""

    prompt: str = "Generate the ocr_text in en:"
    reads = ("words",)
    picture = True
    drawn = ()
    whole = ""

    def __call__(self, row: Mapping[str, Any], rng: np.random.Generator | None) -> tuple[str, str]:
        return self.prompt, " ".join(row["words"])
