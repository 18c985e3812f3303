"""Rows that a user asks about: checked one by one, and neighbours about the same picture brought together."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

Run = tuple[int, Any, list[str]]


def runs(rows: Sequence[Mapping[str, Any]], prompt: str, root: Path, errors: dict[int, str]) -> Iterator[Run]:
    """(number of the first row, image, texts) for every run of good rows about one picture; bad rows go to `errors`."""
    current: Run | None = None
    for number, row in enumerate(rows):
        try:
            image, text = ask(row, prompt, root)
        except ValueError as error:
            errors[number] = f"row {number}: {error}"
            continue
        if current and current[0] + len(current[2]) == number and same(current[1], image):
            current[2].append(text)
            continue
        if current:
            yield current
        current = (number, image, [text])
    if current:
        yield current


def ask(row: Mapping[str, Any], prompt: str, root: Path) -> tuple[Any, str]:
    """The image and the prompted text of a row; ValueError says what is missing."""
    if not isinstance(row, Mapping):
        raise ValueError(f'a {type(row).__name__}, expected {{"image": ..., "text": ...}}')
    if row.get("image") is None:
        raise ValueError(f'no "image" (a path), it has {", ".join(map(str, row)) or "nothing"}')
    image = row["image"]
    if isinstance(image, (str, os.PathLike)):
        image = root / image
    text = row.get("text", row.get("question"))
    if text is None and "{text}" not in prompt:
        text = ""
    elif not isinstance(text, str) or not text.strip():
        raise ValueError(f'"text" is {text!r}, expected a question or another text')
    return image, prompt.replace("{text}", text)


def same(one: Any, other: Any) -> bool:
    """Whether two images are the same file or the same object."""
    return one is other or (isinstance(one, Path) and isinstance(other, Path) and one == other)
