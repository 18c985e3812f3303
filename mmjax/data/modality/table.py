"""A row's record: named numbers and categories, as a table of data holds them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from mmjax.data.label import said
from mmjax.data.modality.scale import Scale, measured, scaled, statistics

UNKNOWN = -1  # the id of what no training row holds


@dataclasses.dataclass(frozen=True)
class Table:
    """The feature `feature`, {column: value} or such a mapping as JSON, as [F] float32 with the mask [F] of cells.

    First come the `numeric` columns, then an id of each of the `categories`, pairs (column, how many it has at most),
    whose names are those of the training rows, sorted; another name is UNKNOWN. None, "" and NaN are empty cells, as
    are columns that a row lacks. `scale` "standard" uses each number's mean and deviation over the training rows.
    """

    feature: str
    numeric: tuple[str, ...] = ()
    categories: tuple[tuple[str, int], ...] = ()
    scale: Scale = "standard"

    def __post_init__(self):
        if not self.columns:
            raise ValueError("it has no column: name some in numeric or categories")
        if len(set(self.columns)) < len(self.columns):
            raise ValueError(f"a column stands twice in {', '.join(self.columns)}")
        for column, most in self.categories:
            if most < 1:
                raise ValueError(f"categories say {most} for {column!r}; expected how many it has at most")

    @property
    def columns(self) -> tuple[str, ...]:
        return (*self.numeric, *(column for column, _ in self.categories))

    def blank(self) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros(len(self.columns), np.float32), np.zeros(len(self.columns), bool)

    def fit(self, values: Iterable[Any]) -> dict[str, Any]:
        """Mean and deviation of the numbers, and the names of each of the categories.

        Raises:
            ValueError: a column is empty in every training row, or holds more names than it should.
        """
        read = [self._read(value) for value in values]
        numbers = np.array([found for found, _ in read]).reshape(len(read), len(self.numeric))
        for column, found in zip(self.numeric, np.isfinite(numbers).any(0), strict=True):
            if not found:
                raise ValueError(f"no training row holds a number in {column!r}")
        names = [sorted({told[place] for _, told in read} - {""}) for place in range(len(self.categories))]
        for (column, most), known in zip(self.categories, names, strict=True):
            if not 0 < len(known) <= most:
                raise ValueError(
                    f"the training rows hold {len(known)} names in {column!r}, expected 1 to {most}: change it in "
                    "categories, and in those of the encoder"
                )
        counts = {"numeric": len(self.numeric), "categories": [most for _, most in self.categories]}
        return {**statistics(self.scale if self.numeric else "none", [numbers]), "names": names, "columns": counts}

    def __call__(self, value: Any, fitted: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """Raises ValueError for what is no record, or a number that is none, with its column."""
        numbers, told = self._read(value)
        ids = [
            known.index(name) if name in known else UNKNOWN for name, known in zip(told, fitted["names"], strict=True)
        ]
        mask = np.concatenate([np.isfinite(numbers), np.array([bool(name) for name in told], bool)])
        values = np.concatenate([scaled(numbers, fitted), np.array(ids, np.float32)])
        return np.where(mask, values, 0).astype(np.float32), mask

    def _read(self, value: Any) -> tuple[np.ndarray, list[str]]:
        """The numbers of a record, NaN where there is none, and its names, "" where there is none."""
        record = decoded(value)
        if not isinstance(record, Mapping):
            raise ValueError(f"{record!r:.60} is no record: expected {{{self.columns[0]!r}: value, ...}}")
        if record and not set(record) & set(self.columns):
            raise ValueError(f"it has {', '.join(map(str, record))}, but its columns are {', '.join(self.columns)}")
        return np.array([number(column, record.get(column)) for column in self.numeric]), [
            name(column, record.get(column)) for column, _ in self.categories
        ]


def decoded(value: Any) -> Any:
    """A record as a mapping, where it is JSON; nothing as an empty one."""
    if not isinstance(value, str | bytes):
        return {} if value is None else value
    try:
        return json.loads(value) if value.strip() else {}
    except ValueError:
        return value


def number(column: str, value: Any) -> float:
    """A cell as a number, NaN where it holds none."""
    try:
        found = measured(None if isinstance(value, str | bytes) and not value else value)
        if found.size > 1:
            raise ValueError(f"{found.size} numbers, expected one")
    except ValueError as error:
        raise ValueError(f"{column}: {error}") from None
    found = found.reshape(-1)
    return float(found[0]) if found.size and np.isfinite(found[0]) else np.nan


def name(column: str, value: Any) -> str:
    """A cell as a category's name, "" where it holds none; numbers are names too, but no fractions."""
    fraction = isinstance(value, float | np.floating)
    if fraction and np.isnan(value):
        return ""
    if fraction or not isinstance(value, str | bytes | int | np.integer | None):
        raise ValueError(f"{column}: {value!r:.60} is no category: expected a text or a whole number")
    return said(value).strip()
