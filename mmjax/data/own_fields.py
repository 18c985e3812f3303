"""Rows of one's own with any modalities: what a field holds is said by its name, or by the first value that it has.

"image" path or list of paths, "sound" path, "text" text, "label" a class, "labels" a list of those that hold, "target"
a number or a list of them. Of any other name: a path of a picture or sound, another text, a number or a list of numbers
(a vector), or a list of such lists (a series). null, or no such field, is what the row lacks; no "labels" are [].
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mmjax.data.own_kinds import Kind, kind_of

TRUTHS = ("label", "labels", "target")
EXPECTED = 'expected fields such as "image", "sound" or "text" with a "label", "labels" or "target"'


@dataclasses.dataclass(frozen=True)
class Given:
    """A good row; rows of one `digest` hold the same pictures and sounds or, without any, the same values."""

    digest: str
    values: Mapping[str, Any]
    root: Path


class Fields:
    """The form of such a file, which keeps the kind of every field that it has seen."""

    expected, shared = EXPECTED, "content"

    def __init__(self):
        self.kinds: dict[str, Kind] = {}
        self.truths: list[str] | None = None

    def parse(self, row: Mapping[str, Any], root: Path) -> Given:
        """A row as Given; ValueError or OSError names the field and says what is wrong with it."""
        values = {name: row[name] for name in row if name != "split" and (row[name] is not None or name == "labels")}
        truths = [name for name in TRUTHS if name in row]
        if not truths:
            raise ValueError(EXPECTED)
        if self.truths not in (None, truths):
            raise ValueError(f"it has {' and '.join(truths)}, but the first row {' and '.join(self.truths)}")
        if not set(values) - set(TRUTHS):
            raise ValueError("every modality of it is missing: give at least one")
        kinds, read = {}, {}
        for name, value in values.items():
            if not name.isidentifier() or name.endswith("_mask"):
                raise ValueError(f'no field may be called "{name}"; take a name such as "image" or "heart_rate"')
            try:
                kinds[name] = self.kinds.get(name) or kind_of(name, value)
                read[name] = kinds[name].read(value, root)
            except (ValueError, OSError) as error:
                raise ValueError(f'"{name}": {error}') from None
        self.kinds, self.truths = self.kinds | kinds, truths
        shown = {name for name in kinds if kinds[name].files} or set(values) - set(TRUTHS)
        told = [(name, hashed(read[name])) for name in sorted(shown)]
        return Given(hashlib.sha256(json.dumps(told).encode()).hexdigest(), values, root)

    def features(self) -> dict[str, Any]:
        """The TFDS features of all rows that were parsed."""
        import tensorflow_datasets as tfds

        return {name: kind.feature(tfds.features) for name, kind in self.kinds.items()}

    def stored(self, given: Given, number: int) -> dict[str, Any]:
        """What TFDS writes."""
        return {
            name: kind.read(given.values[name], given.root) if name in given.values else kind.none
            for name, kind in self.kinds.items()
        }


@functools.singledispatch
def hashed(value: Any) -> str:
    """The digest of what was read of a field."""
    return hashlib.sha256(repr(value).encode()).hexdigest()


@hashed.register
def _(value: np.ndarray) -> str:
    return hashlib.sha256(value.tobytes()).hexdigest()
