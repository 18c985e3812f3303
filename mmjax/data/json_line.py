"""JSON as users write it, a row a line."""

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any


def lines(path: Path) -> list[str]:
    """The lines of a file of texts; a JSON string may hold other characters that end a line, which do not count.

    Raises:
        ValueError: it is no UTF-8; the file is named.
    """
    try:
        return path.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is no UTF-8 text: {error.reason} at byte {error.start}") from None


def parse(text: str | bytes, constant: Callable[[str], Any] | None = None) -> Any:
    """What a line says; `constant` makes something of NaN and Infinity, which Python takes for numbers.

    Raises:
        ValueError: no JSON (a json.JSONDecodeError), lists in lists beyond measure, a number that a double does not
            hold, or a key that stands twice in one object, of which json keeps the last.
    """
    hooks = dict(object_pairs_hook=_once, parse_constant=constant, parse_float=_number, parse_int=_whole)
    try:
        return json.loads(text, **hooks)
    except RecursionError:
        raise ValueError("its lists or objects lie too deep in each other") from None


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f'"{name}" stands twice in it')
        found[name] = value
    return found


def _number(text: str) -> float:
    if math.isinf(value := float(text)):
        raise ValueError(f"{text:.20} is too large a number")
    return value


def _whole(text: str) -> int:
    if len(text) > 1000:  # Python's own limit is a few times that, and tells how to lift it
        raise ValueError(f"{text[:20]}... is too large a number, of {len(text):,} digits")
    return int(text)
