"""The class of a row: names in a fixed order, which the training rows or the data set itself decide."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np


@dataclasses.dataclass(frozen=True)
class Label:
    """The feature `feature`; `names` are the classes in order, or those that the data has."""

    feature: str
    names: tuple[str, ...] = ()

    def known(self, source: Any, values: Iterable[Any]) -> list[str]:
        """The names: those given, those of a TFDS ClassLabel, or every value of the training rows, sorted."""
        if self.names:
            return list(self.names)
        told = getattr(source.info.features[self.feature], "names", None)
        if told:
            return list(told)
        found = {said(value) for value in values} - {""}
        return sorted(found, key=lambda name: (0, int(name), name) if name.isdigit() else (1, 0, name))

    def number(self, source: Any, value: Any, names: Sequence[str]) -> int:
        """Which of the names it is; -1 where a row has none. Raises ValueError for another name."""
        if isinstance(value, int | np.integer) and getattr(source.info.features[self.feature], "names", None):
            return int(value)
        name = said(value)
        if not name:
            return -1
        if name not in names:
            some = ", ".join(map(repr, names[:8])) + (", ..." if len(names) > 8 else "")
            raise ValueError(f"label {name!r} is none of {some}, which the training rows have")
        return list(names).index(name)


def said(value: Any) -> str:
    """A label as text."""
    if value is None:
        return ""
    return value.decode() if isinstance(value, bytes) else str(value)
