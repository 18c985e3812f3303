"""Rows of a prepared TFDS data set: which features hold what a prompt reads."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from mmjax.data import columns, images, prepared
from mmjax.data.split import Split

FIELDS = ("image", "group", "question", "answer", "caption", "text", "words", "labels", "objects")


@dataclasses.dataclass(frozen=True)
class Dataset:
    """A data set by name; `train` and `test` are TFDS splits or slices of its rows in the order of its files.

    `fields` says which TFDS features hold the image, the fields of a row and (optional) its group: rows of one group
    show the same picture, encoded once for all of them. `train[:5%]` of easy-VQA are the first 5 % of its questions,
    which are all the questions of the first 5 % of its pictures. A list of captions is as many rows that show one
    picture. Rows whose caption or text is empty are left out where a prompt reads it.
    """

    name: str
    fields: Mapping[str, str] = dataclasses.field(
        default_factory=lambda: {"image": "image", "question": "question", "answer": "answer", "group": "image_id"}
    )
    train: str = "train"
    test: str = "test"
    data_dir: str | None = None

    def __post_init__(self):
        unknown = [field for field in self.fields if field not in FIELDS]
        if unknown or not set(self.fields) - {"image", "group"}:
            raise ValueError(
                f"fields has {', '.join(sorted(self.fields)) or 'nothing'}; it may have {', '.join(FIELDS)}, and needs "
                "one that a prompt reads"
            )

    @property
    def gives(self) -> tuple[str, ...]:
        """The fields of a row."""
        return tuple(self.fields)

    def told(self) -> dict[str, str]:
        """What tells the training split from one with other rows, as `prepared.told` does."""
        return prepared.told(prepared.builder(self.name, self.data_dir), self.train)

    def split(self, name: str, reads: Sequence[str]) -> Split:
        """A split by its name, as far as it is read; names other than "train" and "test" are TFDS splits.

        Raises:
            FileNotFoundError: the data set is not prepared.
            ValueError: it has no such split or feature.
        """
        chosen = {"train": self.train, "test": self.test}.get(name, name)
        title = f"{self.name} {chosen}"
        source = prepared.builder(self.name, self.data_dir)
        columns.read_by(source, self.fields)  # a wrong field is told before files are opened
        rows = prepared.open_rows(source, chosen, self.fields.get("image", "image"))
        read = columns.load(source, chosen, self.fields, rows)
        if columns.CAPTIONS in self.fields and columns.several(source, self.fields[columns.CAPTIONS]):
            read = read.spread(columns.CAPTIONS)

        def pictures(row: int) -> list[np.ndarray]:
            place = read.shown(row)
            found = columns.dig(rows[place], self.fields["image"].split("/"))
            encoded = [found] if isinstance(found, bytes) else list(found)
            return [images.decode(one, f"{title} row {place}") for one in encoded]

        several = "image" in self.fields and columns.several(source, self.fields["image"])
        split = Split(title, read.group, read.row, pictures, several)
        for field in sorted({"caption", "text"} & set(reads)):
            split = split.having(field)
        return split if "question" in reads else split.once(reads)  # a question asked twice is two questions
