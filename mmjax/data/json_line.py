"""JSON as users write it, a row a line."""

import json
from collections.abc import Callable, Sequence
from typing import Any


def parse(text: str | bytes, constant: Callable[[str], Any] | None = None) -> Any:
    """What a line says; `constant` makes something of NaN and Infinity, which Python takes for numbers.

    Raises:
        ValueError: no JSON (a json.JSONDecodeError), or a key that stands twice in one object, of which json keeps the
            last.
    """
    return json.loads(text, object_pairs_hook=_once, parse_constant=constant)


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f'"{name}" stands twice in it')
        found[name] = value
    return found
