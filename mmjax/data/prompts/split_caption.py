"""Split captioning: a caption is cut at a random word, its first part is given and the rest is written.

Wang et al. 2022 (SimVLM, arXiv 2108.10904); in PaLI's form the prompt says where the caption is cut.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from mmjax.data.prompts.template import check, fill


@dataclasses.dataclass(frozen=True)
class SplitCaption:
    """Row {caption} -> the first `position` words in the prompt, the other words; 0 is a whole caption's place."""

    prompt: str = "Generate the alt_text in en at {position}: {caption}"
    reads = ("caption",)
    picture = True
    drawn = ("train", "evaluation")
    whole = ""

    def __post_init__(self):
        check(self.prompt, "prompt", "caption")

    def __call__(self, row: Mapping[str, Any], rng: np.random.Generator) -> tuple[str, str]:
        words = row["caption"].split()
        position = int(rng.integers(max(1, len(words))))  # at least one word is left to be written
        return self.begun(words[:position]), " ".join(words[position:])

    def ask(self, text: str | None) -> str:
        """The prompt for the beginning of a caption, which may be empty."""
        return self.begun((text or "").split())

    def begun(self, words: list[str]) -> str:
        """The prompt with these words of a caption."""
        return fill(self.prompt, position=len(words), caption=" ".join(words)).rstrip()
