"""Captioning: one fixed prompt, or none, and the caption is written."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from mmjax.data.prompts.fixed import Fixed


@dataclasses.dataclass(frozen=True)
class Caption(Fixed):
    """Row {caption} -> the prompt, the caption. With the prompt "" nothing is asked."""

    prompt: str = "Generate the alt_text in en at 0:"
    reads = ("caption",)
    picture = True
    drawn = ()
    whole = ""

    def __post_init__(self):
        if self.prompt:
            super().__post_init__()

    def __call__(self, row: Mapping[str, Any], rng: np.random.Generator | None) -> tuple[str, str]:
        return self.prompt, row["caption"]
