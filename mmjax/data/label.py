"""The class of a row: names in a fixed order, which the training rows or the data set itself decide."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

CLASSES = "classes"
WHOLE = re.compile(r"[+-]?[0-9]+")  # these are sorted as numbers


@dataclasses.dataclass(frozen=True)
class Label:
    """The feature `feature` as [] int32; `names` are the classes in order, or those that the data has.

    Where a row is asked several questions, `many` is how many at most, and the feature a list: [many] int32.
    """

    feature: str
    names: tuple[str, ...] = ()
    many: int | None = None

    def __post_init__(self):
        if self.many is not None and self.many < 1:
            raise ValueError(f"many is {self.many}; expected how many questions a row is asked, or None for one")
        check_once(self.names)

    def blank(self) -> np.ndarray:
        """No class."""
        return np.full(() if self.many is None else self.many, -1, np.int32)

    def known(self, source: Any, values: Iterable[Any]) -> list[str]:
        """The names: those given, those of a TFDS ClassLabel, or every value of the training rows, sorted.

        A builder's metadata may say these, {CLASSES: {feature: names}}, so that not all rows need to be read for them.
        """
        if self.names:
            return list(self.names)
        metadata = dict(getattr(source.info, "metadata", None) or {})
        told = self._told(source) or metadata.get(CLASSES, {}).get(self.feature)
        if told:
            return list(told)
        found = {said(one) for value in values for one in self._listed(value)} - {""}
        if len(found) == 1:
            raise ValueError(f"{self.feature}: every row is {found.pop()!r}; expected at least two classes")
        return ordered(found)

    def __call__(self, source: Any, value: Any, names: Sequence[str]) -> np.ndarray:
        """Which of the names it is; -1 where a row has none. Raises ValueError for another name, or too many."""
        given, out = self._listed(value), self.blank()
        if len(given) > out.size:
            raise ValueError(f"{len(given)} labels, but label.many is {self.many}: raise it")
        numbers = [self._number(source, one, names) for one in given]
        if self.many is None:
            return np.int32(numbers[0])
        out[: len(numbers)] = numbers
        return out

    def _number(self, source: Any, value: Any, names: Sequence[str]) -> int:
        told = self._told(source)
        if isinstance(value, int | np.integer) and told:
            value = told[value] if 0 <= value < len(told) else None  # TFDS writes -1 where it has none
        name = said(value)
        if not name:
            return -1
        if name not in names:
            some = ", ".join(map(repr, names[:8])) + (", ..." if len(names) > 8 else "")
            raise ValueError(
                f"label {name!r:.60} is none of {some}, which the names in the config or the training rows say"
            )
        return list(names).index(name)

    def _told(self, source: Any) -> list[str]:
        """The names of a TFDS ClassLabel, or of a list of them."""
        kind = source.info.features[self.feature]
        return list(getattr(getattr(kind, "feature", kind), "names", None) or ())

    def _listed(self, value: Any) -> Sequence[Any]:
        return [value] if self.many is None else value


def ordered(names: Iterable[str]) -> list[str]:
    """Names sorted, whole numbers by their size and before others."""
    return sorted(names, key=lambda name: (0, int(name), name) if WHOLE.fullmatch(name) else (1, 0, name))


def check_once(names: Sequence[str]) -> None:
    """Raises ValueError for a name that stands twice."""
    twice = [name for place, name in enumerate(names) if name in names[:place]]
    if twice:
        raise ValueError(f"names has {twice[0]!r} twice; expected every class once")


def said(value: Any) -> str:
    """A label as text; ValueError for several values."""
    if value is None:
        return ""
    if np.ndim(value):
        raise ValueError(f"label is {np.size(value)} values; expected one class (data.labels takes any of several)")
    return value.decode() if isinstance(value, bytes) else str(value)
