"""Names that a user most likely meant as others."""

import difflib
from collections.abc import Iterable

SAME = ({"text", "question"},)  # what is asked about a picture is called either


def near(name: str, given: Iterable[str]) -> str | None:
    """The first of the given names that looks like `name` in other case, with letters swapped, or one letter off."""
    return next((other for other in given if other != name and _alike(name, other)), None)


def _alike(name: str, other: str) -> bool:
    if name.lower() == other.lower() or sorted(name) == sorted(other) or {name, other} in SAME:
        return True
    return difflib.SequenceMatcher(None, name, other).ratio() > 0.8
