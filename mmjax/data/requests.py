"""Rows that a user asks about: each is checked alone, and neighbours about one picture share an example."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mmjax.data import images
from mmjax.data.packing import Batch, Packer, Pair
from mmjax.data.part import Prompt

EXPECTED = 'expected {"image": ..., "text": ...}'
PICTURES = str | os.PathLike | bytes | np.ndarray | Image.Image


@dataclasses.dataclass(frozen=True)
class Request:
    """A good row: its number, its pictures as they were given, what is asked and the part that asks so."""

    number: int
    shown: tuple[Any, ...]
    text: str
    source: int


def pack(
    rows: Sequence[Mapping[str, Any]], packer: Packer, prompts: Mapping[str, Prompt], root: Path
) -> tuple[list[Batch], dict[int, str]]:
    """Good rows as examples (question q of one is row `index` + q), bad rows as {row number: error}."""
    examples, errors = [], {}
    for run in runs(good(rows, packer, prompts, root, errors), packer.shapes.questions):
        first = run[0]
        name = f"row {first.number}"
        try:
            shown = [packer.sized(images.decode(image, name), title(image, name)) for image in first.shown]
        except (ValueError, OSError) as error:
            errors.update({request.number: str(error) for request in run})
        else:
            pairs = [Pair(request.text, None, f"row {request.number}") for request in run]
            examples.append(packer.example(shown, pairs, first.number, first.source))
    return examples, dict(sorted(errors.items()))


def good(
    rows: Sequence[Mapping[str, Any]],
    packer: Packer,
    prompts: Mapping[str, Prompt],
    root: Path,
    errors: dict[int, str],
) -> Iterator[Request]:
    """Every row that can be asked; the others go to `errors`."""
    for number, row in enumerate(rows):
        try:
            request = ask(number, row, prompts, root)
        except ValueError as error:
            errors[number] = f"row {number}: {error}"
            continue
        try:
            packer.check_pictures(len(request.shown), f"row {number}")
            ids = packer.ids(Pair(request.text, None, f"row {number}"))
        except ValueError as error:
            errors[number] = str(error)
            continue
        if ids["text"]:
            yield request
        else:
            errors[number] = f"row {number}: its text {request.text!r:.60} holds no token"


def ask(number: int, row: Mapping[str, Any], prompts: Mapping[str, Prompt], root: Path) -> Request:
    """A row as a request; ValueError says what is missing or of a wrong kind."""
    if not isinstance(row, Mapping):
        raise ValueError(f"it is {row!r:.60}, {EXPECTED}")
    text, task = row.get("text", row.get("question")), row.get("task")
    if list(prompts) == [""]:
        task = ""  # no mixture: a field of this name is the user's own
    if task is None and len(prompts) == 1:
        (task,) = prompts
    if task is not None and (not isinstance(task, str) or task not in prompts):
        raise ValueError(f'its "task" is {task!r:.60}, expected one of {", ".join(map(repr, prompts))}')
    prompt = prompts.get(task)
    image = row.get("image")
    if image is None and (prompt is None or prompt.picture):
        raise ValueError(f'it has no "image", only {", ".join(map(str, row)) or "nothing"}')
    # Checked here for all prompts: those that need no text would take anything for none.
    if not (isinstance(text, str) or (text is None and prompt is not None)) or (prompt is None and not text.strip()):
        raise ValueError(f'its "text" is {text!r:.60}, expected a question or another text')
    if prompt is not None:
        text = prompt.ask(text)
    if isinstance(image, list | tuple) and not image:
        raise ValueError('its "image" is an empty list, expected a picture or a list of pictures')
    shown = () if image is None else tuple(image) if isinstance(image, list | tuple) else (image,)
    for one in shown:
        if not isinstance(one, PICTURES):
            raise ValueError(f'its "image" is {one!r:.60}, expected a path, an array or a Pillow image')
    shown = tuple(root / one if isinstance(one, str | os.PathLike) else one for one in shown)
    return Request(number, shown, text, list(prompts).index(task) if task is not None else 0)


def runs(requests: Iterator[Request], most: int) -> Iterator[list[Request]]:
    """Up to `most` requests with neighbouring numbers, the same pictures and the same part, as one."""
    run: list[Request] = []
    for request in requests:
        if run and not (len(run) < most and neighbours(run[-1], request)):
            yield run
            run = []
        run.append(request)
    if run:
        yield run


def neighbours(one: Request, other: Request) -> bool:
    """Whether two requests can share an example."""
    together = other.number == one.number + 1 and one.source == other.source and len(one.shown) == len(other.shown)
    return together and all(map(same, one.shown, other.shown))


def same(one: Any, other: Any) -> bool:
    """Whether two images are the same file or the same object."""
    return one is other or (isinstance(one, Path) and isinstance(other, Path) and one == other)


def title(image: Any, name: str) -> str:
    """What errors call a picture: its path where it has one."""
    return os.fspath(image) if isinstance(image, Path) else name
