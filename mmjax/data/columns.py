"""The small columns of a prepared split (texts, lists, groups) in memory, cached beside the data.

A picture is read when its example is; questions, answers and picture numbers are wanted for all rows at
once: to train a tokenizer, to check lengths, to find the rows of one picture. One pass over the split
writes them as plain .npy files into a hidden folder of the data set, so that later openings take
milliseconds.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

CACHE = ".mmjax"
LISTS = ("words", "labels", "objects")
CAPTIONS = "caption"  # a text, or a list of texts that are all true of the picture


@dataclasses.dataclass(frozen=True)
class Strings(Sequence):
    """Many short texts as one block of UTF-8 bytes and where each one ends: N texts without N objects."""

    block: np.ndarray  # [bytes] uint8
    ends: np.ndarray  # [N] int64

    @classmethod
    def of(cls, texts: Iterable[str]) -> Strings:
        encoded = [text.encode() for text in texts]
        ends = np.cumsum([len(text) for text in encoded], dtype=np.int64)
        return cls(np.frombuffer(b"".join(encoded), np.uint8), ends)

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, row: int) -> str:
        if not 0 <= row < len(self.ends):
            raise IndexError(row)
        start = self.ends[row - 1] if row else 0
        return self.block[start : self.ends[row]].tobytes().decode()


@dataclasses.dataclass(frozen=True)
class Columns:
    """What is known of every row without its picture; lists are kept as JSON."""

    texts: Mapping[str, Strings]
    group: np.ndarray  # [N] int64: rows with equal numbers show the same picture
    source: np.ndarray | None = None  # [N] int64: the row of the split that shows it, where that is another number

    def row(self, number: int) -> dict[str, Any]:
        """The fields of a row."""
        found = {name: texts[int(number)] for name, texts in self.texts.items()}
        return {name: json.loads(text) if name in LISTS else text for name, text in found.items()}

    def shown(self, number: int) -> int:
        """Which row of the split shows the picture of a row."""
        return int(number if self.source is None else self.source[number])

    def spread(self, name: str) -> Columns:
        """A row for each text of a list, with the other fields of the row that had it."""
        lists = [json.loads(text) for text in self.texts[name]]
        source = np.repeat(np.arange(len(lists)), [len(texts) for texts in lists])
        others = {other: Strings.of(texts[row] for row in source) for other, texts in self.texts.items()}
        every = Strings.of(text for texts in lists for text in texts)
        return Columns(others | {name: every}, self.group[source], source)


def load(source: Any, split: str, fields: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> Columns:
    """The columns of a TFDS builder's split, from its cache if one is there; `rows` are the split's rows."""
    readers = read_by(source, fields)
    chosen = sorted((part, fields[part]) for part in readers)
    key = hashlib.sha256(repr((split, len(rows), source.info.dataset_size, chosen)).encode()).hexdigest()[:16]
    folder = Path(source.data_path) / CACHE / key
    try:
        return recall(folder, readers)
    except (OSError, ValueError, EOFError):  # absent, or cut short by a full disk: read the rows again
        columns = scan(rows, readers)
        remember(columns, folder)
        return columns


def read_by(source: Any, fields: Mapping[str, str]) -> dict[str, Callable[[Any], Any]]:
    """How to read the fields of a row, other than its picture.

    Raises ValueError if a field names no feature of the data set, or one that is no text, label or number.
    """
    readers = {part: reader(source, part, feature) for part, feature in fields.items()}
    return {part: read for part, read in readers.items() if part != "image"}


def scan(rows: Sequence[Mapping[str, Any]], readers: Mapping[str, Callable[[Any], Any]]) -> Columns:
    """One pass over all rows, a thousand at a time."""
    found: dict[str, list] = {part: [] for part in readers}
    for start in range(0, len(rows), 1000):
        for row in rows.__getitems__(range(start, min(start + 1000, len(rows)))):
            for part, read in readers.items():
                found[part].append(read(row))
    group = number(found.pop("group")) if "group" in found else np.arange(len(rows), dtype=np.int64)
    return Columns({part: Strings.of(texts) for part, texts in found.items()}, group)


def number(values: Sequence[Any]) -> np.ndarray:
    """Equal values get equal numbers, in the order in which they first appear."""
    seen: dict[Any, int] = {}
    return np.array([seen.setdefault(value, len(seen)) for value in values], np.int64)


def reader(source: Any, part: str, feature: str) -> Callable[[Mapping[str, Any]], Any]:
    """How to read one field of a row as text, lists as JSON; nested features are named "outer/inner"."""
    import tensorflow_datasets as tfds

    kind, path, many = source.info.features, feature.split("/"), False
    for name in path:
        if isinstance(kind, tfds.features.Sequence):
            kind, many = kind.feature, True
        if not isinstance(kind, tfds.features.FeaturesDict) or name not in kind:
            raise ValueError(
                f"data.fields.{part} names the feature {feature!r}, but data set {source.name!r} has "
                f"{', '.join(sorted(source.info.features))}"
            )
        kind = kind[name]
    if isinstance(kind, tfds.features.Sequence):
        kind, many = kind.feature, True
    plural = isinstance(kind, tfds.features.FeaturesDict)
    if part == "objects" and many and plural and {"bbox", "label"} <= set(kind):
        label = naming(kind["label"])
        return lambda row: json.dumps(listed(dig(row, path), label))
    listing = part in LISTS or (part == CAPTIONS and many)
    if part == "image" or (not plural and part != "objects" and kind.shape == () and many == listing):
        label = plain if part == "group" else naming(kind)
        if listing:
            return lambda row: json.dumps([label(value) for value in dig(row, path)])
        return lambda row: label(dig(row, path))
    wanted = {
        "words": "a sequence of texts",
        "labels": "a sequence of labels",
        "objects": "a sequence of bbox and label",
    }
    raise ValueError(
        f"data.fields.{part} names the feature {feature!r}, which is {' '.join(str(kind).split())}: expected "
        f"{wanted.get(part, 'a text, label or number')}"
    )


def several(source: Any, feature: str) -> bool:
    """Whether a row has a list of what a feature that there is holds, as of pictures."""
    import tensorflow_datasets as tfds

    kind, many = source.info.features, False
    for name in (*feature.split("/"), None):
        if isinstance(kind, tfds.features.Sequence):
            kind, many = kind.feature, True
        kind = kind[name] if name is not None else kind
    return many


def naming(kind: Any) -> Callable[[Any], str]:
    """How a value of a scalar feature is said."""
    return kind.int2str if hasattr(kind, "int2str") else plain


def listed(objects: Mapping[str, Any], label: Callable[[Any], str]) -> list[dict[str, Any]]:
    """The objects of a row, which TFDS keeps as a dict of sequences; its boxes are top, left, bottom, right."""
    pairs = zip(objects["label"], objects["bbox"], strict=True)
    return [{"label": label(name), "box": [float(value) for value in box]} for name, box in pairs]


def dig(row: Any, path: Sequence[str]) -> Any:
    """The value of a nested feature."""
    for name in path:
        row = row[name]
    return row


def plain(value: Any) -> Any:
    """Bytes as text, numbers as the text that shows them."""
    return value.decode() if isinstance(value, bytes) else str(value)


def recall(folder: Path, parts: Iterable[str]) -> Columns:
    """The columns of a cache folder; OSError, ValueError or EOFError if one is missing or broken."""

    def read(name: str) -> np.ndarray:
        return np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)

    texts = {part: Strings(read(part), read(f"{part}_ends")) for part in parts if part != "group"}
    return Columns(texts, read("group"))


def remember(columns: Columns, folder: Path) -> None:
    """Write a cache folder, whole or not at all; a read-only disk only costs the next opening a second."""
    blocks = {"group": columns.group}
    for part, texts in columns.texts.items():
        blocks |= {part: texts.block, f"{part}_ends": texts.ends}
    try:
        folder.parent.mkdir(exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix="incomplete."))
    except OSError:
        return
    try:
        temporary.chmod(0o755)  # others may read the data set too
        for name, block in blocks.items():
            np.save(temporary / f"{name}.npy", block)
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(temporary, folder)
    except OSError:
        shutil.rmtree(temporary, ignore_errors=True)
