"""Rows that a user asks about: each is checked alone, and neighbours about one picture share an example."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmjax.data import images
from mmjax.data.packing import Batch, Packer, Pair

Run = tuple[int, Any, list[str]]  # number of the first row, image, the texts of this row and the next ones


def pack(
    rows: Sequence[Mapping[str, Any]], packer: Packer, prompt: str, root: Path
) -> tuple[list[Batch], dict[int, str]]:
    """Good rows as examples (question q of one is row `index` + q), bad rows as {row number: error}."""
    examples, errors = [], {}
    for first, image, texts in runs(good(rows, packer, prompt, root, errors), packer.questions):
        try:
            picture = images.resize(images.decode(image, f"row {first}"), packer.size)
        except (ValueError, OSError) as error:
            errors.update({first + number: str(error) for number in range(len(texts))})
        else:
            pairs = [Pair(text, None, f"row {number}") for number, text in enumerate(texts, first)]
            examples.append(packer.example(picture, pairs, first))
    return examples, dict(sorted(errors.items()))


def good(
    rows: Sequence[Mapping[str, Any]], packer: Packer, prompt: str, root: Path, errors: dict[int, str]
) -> Iterator[tuple[int, Any, str]]:
    """(number, image, text) of every row that can be asked; the others go to `errors`."""
    for number, row in enumerate(rows):
        try:
            image, text = ask(row, prompt, root)
        except ValueError as error:
            errors[number] = f"row {number}: {error}"
            continue
        try:
            ids = packer.ids(Pair(text, None, f"row {number}"))
        except ValueError as error:
            errors[number] = str(error)
            continue
        if ids["text"]:
            yield number, image, text
        else:
            errors[number] = f"row {number}: its text {text!r:.60} holds no token"


def ask(row: Mapping[str, Any], prompt: str, root: Path) -> tuple[Any, str]:
    """The image and the prompted text of a row; ValueError says what is missing."""
    if not isinstance(row, Mapping):
        raise ValueError(f'it is {row!r:.60}, expected {{"image": ..., "text": ...}}')
    image = row.get("image")
    if image is None:
        raise ValueError(f'it has no "image", only {", ".join(map(str, row)) or "nothing"}')
    if isinstance(image, str | os.PathLike):
        image = root / image
    text = row.get("text", row.get("question"))
    if text is None and "{text}" not in prompt:
        text = ""
    elif not isinstance(text, str) or not text.strip():
        raise ValueError(f'its "text" is {text!r:.60}, expected a question or another text')
    return image, prompt.replace("{text}", text)


def runs(rows: Iterator[tuple[int, Any, str]], most: int) -> Iterator[Run]:
    """Up to `most` rows with neighbouring numbers and the same image, as one."""
    run: Run | None = None
    for number, image, text in rows:
        if run and number == run[0] + len(run[2]) and len(run[2]) < most and same(run[1], image):
            run[2].append(text)
            continue
        if run:
            yield run
        run = number, image, [text]
    if run:
        yield run


def same(one: Any, other: Any) -> bool:
    """Whether two images are the same file or the same object."""
    return one is other or (isinstance(one, Path) and isinstance(other, Path) and one == other)
