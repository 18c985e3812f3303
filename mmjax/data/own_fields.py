"""Rows of one's own with any modalities: what a field holds is said by its name, or by the first value that it has.

"image" path or list of paths, "sound" or "video" path, "text" text, "label" a class, "labels" a list of those that
hold, "target" a number or a list of them. Of any other name: a path of a picture, sound or video, another text, a
number or a list of numbers (a vector), a list of such lists (a series), or columns by name (a record). null, or no such
field, is what the row lacks; no "labels" are [].
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mmjax.data.near import near
from mmjax.data.own_kinds import NAMED, Kind, kind_of

TRUTHS = ("label", "labels", "target")
EXPECTED = 'expected fields such as "image", "sound" or "text" with a "label", "labels" or "target"'


@dataclasses.dataclass(frozen=True)
class Given:
    """A good row: the digests of its pictures and sounds or, without any, one of all its values."""

    digests: tuple[str, ...]
    values: Mapping[str, Any]
    root: Path


class Fields:
    """The form of such a file, which keeps the kind of every field that it has seen."""

    expected, shared = EXPECTED, "content"

    def __init__(self):
        self.kinds: dict[str, Kind] = {}
        self.truths: list[str] | None = None
        self.seen: dict[tuple[str, str], tuple[str, ...]] = {}

    def parse(self, row: Mapping[str, Any], root: Path) -> Given:
        """A row as Given; ValueError or OSError names the field and says what is wrong with it."""
        values = {name: row[name] for name in row if name != "split" and (row[name] is not None or name == "labels")}
        truths = [name for name in TRUTHS if name in row]
        if not truths:
            raise ValueError(EXPECTED)
        if self.truths not in (None, truths):
            raise ValueError(f"it has {' and '.join(truths)}, but the first row {' and '.join(self.truths)}")
        kinds, files, others = {}, [], []
        for name, value in sorted(values.items()):
            if not name.isidentifier() or name.endswith("_mask"):
                raise ValueError(f'no field may be called "{name}"; take a name such as "image" or "heart_rate"')
            if name not in self.kinds and name not in NAMED and (meant := near_named(name)):
                raise ValueError(f'"{name}" looks like "{meant}"; did you mean that? If not, take a name less like it')
            try:
                kind = kinds[name] = self.kinds.get(name) or kind_of(name, value)
                if kind.files:
                    files += self._digests(name, kind, value, root)
                else:
                    others.append((name, kind.read(value, root)))
            except (ValueError, OSError) as error:
                raise ValueError(f'"{name}": {error}') from None
        if not files and all(name in TRUTHS or _nothing(value) for name, value in others):
            raise ValueError("every modality of it is missing: give at least one")
        self.kinds, self.truths = self.kinds | kinds, truths
        shown = [(name, digest(value)) for name, value in others if name not in TRUTHS]
        return Given(tuple(files) or (digest(shown),), values, root)

    def _digests(self, name: str, kind: Kind, value: Any, root: Path) -> tuple[str, ...]:
        """Those of the files of a field, each of which is read once."""
        key = name, json.dumps(value)
        if key not in self.seen:
            read = kind.read(value, root)
            self.seen[key] = tuple(map(digest, read if isinstance(read, list) else [read]))
        return self.seen[key]

    def features(self) -> dict[str, Any]:
        """The TFDS features of all rows that were parsed."""
        import tensorflow_datasets as tfds

        return {name: kind.feature(tfds.features) for name, kind in self.kinds.items()}

    def rates(self) -> dict[str, int]:
        """How many samples a second the sounds of a field have."""
        return {name: kind.rate for name, kind in self.kinds.items() if kind.rate}

    def stored(self, given: Given, number: int) -> dict[str, Any]:
        """What TFDS writes."""
        return {
            name: kind.read(given.values[name], given.root) if name in given.values else kind.none
            for name, kind in self.kinds.items()
        }


def near_named(name: str) -> str | None:
    """The named field that a name looks like; those that begin with it, such as images, are names of their own."""
    return next((named for named in NAMED if near(named, [name]) and not name.startswith(named)), None)


def _nothing(value: Any) -> bool:
    """Whether a text says nothing, or not one of some numbers was measured."""
    return not value.strip() if isinstance(value, str) else not np.isfinite(value).any()


def digest(value: Any) -> str:
    """A name for what was read."""
    if isinstance(value, np.ndarray):
        value = value.tobytes()
    return hashlib.sha256(value if isinstance(value, bytes) else repr(value).encode()).hexdigest()
