"""The labels of a row, any number of which may hold: names in a fixed order, each yes, no or not known."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from mmjax.data.label import Label, check_once


@dataclasses.dataclass(frozen=True)
class Labels:
    """The feature `feature` as [size] float32: 1 where a label holds, 0 where it does not, -1 where that is not known.

    It is a list of those that hold, names or TFDS ClassLabels, or a number for each: 0, 1, or NaN where it is not
    known. `names` are the labels in order, or those that the data has.
    """

    feature: str
    size: int
    names: tuple[str, ...] = ()

    def __post_init__(self):
        if self.size < 1 or len(self.names) not in (0, self.size):
            raise ValueError(
                f"size is {self.size} with {len(self.names)} names; expected at least 1, and as many names"
            )
        check_once(self.names)

    def blank(self) -> np.ndarray:
        """Nothing is known."""
        return np.full(self.size, -1, np.float32)

    def known(self, source: Any, values: Iterable[Any]) -> list[str]:
        """The names: those given, those of a TFDS ClassLabel, or every value of the training rows, sorted.

        Raises:
            ValueError: they are not `size`.
        """
        if self._numbers(source):
            return list(self.names) or [str(place) for place in range(self.size)]
        found = self._listed.known(source, values)
        if len(found) != self.size:
            raise ValueError(
                f"the data has {len(found)} labels, but data.labels.size is {self.size}: make it {len(found)}"
            )
        return found

    def __call__(self, source: Any, value: Any, names: Sequence[str]) -> np.ndarray:
        """Raises ValueError for another name, or other numbers."""
        if self._numbers(source):
            found = np.asarray(value, np.float32)
            known = np.isfinite(found)
            if found.shape != (self.size,) or not np.isin(found[known], (0, 1)).all():
                raise ValueError(f"labels {value!r:.60}, expected {self.size} numbers, each 0, 1 or NaN")
            return np.where(known, found, -1).astype(np.float32)
        one = dataclasses.replace(self._listed, many=max(self.size, len(value)))  # one that stands twice holds
        places = one(source, value, names)
        holds = np.zeros(self.size, np.float32)
        holds[places[places >= 0]] = 1
        return holds

    @property
    def _listed(self) -> Label:
        return Label(self.feature, self.names, many=self.size)

    def _numbers(self, source: Any) -> bool:
        kind = source.info.features[self.feature]
        inner = getattr(kind, "feature", kind)
        return not getattr(inner, "names", None) and np.issubdtype(inner.np_dtype, np.number)
