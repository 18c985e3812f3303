"""What prompts have in common that ask the same of every picture."""

from __future__ import annotations

import dataclasses

from mmjax.data.prompts.template import check


@dataclasses.dataclass(frozen=True)
class Fixed:
    """A prompt without a place for a text."""

    prompt: str

    def __post_init__(self):
        check(self.prompt, "prompt")

    def ask(self, text: str | None) -> str:
        """The prompt; a user's text is not needed."""
        return self.prompt
