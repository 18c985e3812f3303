"""Prompts as config strings with places for texts: "Answer in en: {question}"."""

from __future__ import annotations

from typing import Any


def fill(prompt: str, **values: Any) -> str:
    """The prompt with every "{name}" replaced, one pass each; other braces stay as they are."""
    for name, value in values.items():
        prompt = prompt.replace(f"{{{name}}}", str(value))
    return prompt


def asked(prompt: str, name: str, text: str | None) -> str:
    """The prompt with what a user asked at "{name}"; a prompt without such a place needs no text.

    Raises:
        ValueError: there is a place for a text, and no text.
    """
    if f"{{{name}}}" not in prompt:
        return prompt
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f'its "text" is {text!r:.60}, expected a question or another text')
    return fill(prompt, **{name: text})


def check(prompt: str, field: str, *names: str) -> None:
    """Refuse an empty prompt, and one without a place for each of these names, which could not tell rows apart."""
    if not prompt.strip():
        raise ValueError(f"{field} is empty, expected a text such as 'describe the picture'")
    for name in names:
        if f"{{{name}}}" not in prompt:
            raise ValueError(f"{field} is {prompt!r}, expected a text with {{{name}}} in it")
