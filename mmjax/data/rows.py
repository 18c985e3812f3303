"""Rows of any modalities, with a label or without: what each feature of a prepared TFDS data set becomes in a batch.

A batch holds NAME and NAME_mask for each modality, label [B] int32 (-1: none), labels [B, C] float32 (1: holds,
0: not, -1: unknown) or target [B, O] float32 with target_mask [B], and index [B] int32 (-1 for padding rows). With
several questions a row, label is [B, Q].
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np

from mmjax.data.group import Group
from mmjax.data.hide import Hide
from mmjax.data.label import Label
from mmjax.data.labels import Labels
from mmjax.data.row_feed import RowFeed
from mmjax.data.stream import Batch
from mmjax.data.target import Target
from mmjax.data.vocabulary import Tokenizer


@runtime_checkable
class Modality(Protocol):
    """How a feature becomes values of one shape with a mask; `fit` says, as JSON, what the training rows decide.

    Some have more: `words` (reads the vocabulary), `files` (a path may stand for a value), `vary` (changes values in
    training, where there is an `augment`) and `check` (refuses a TFDS feature that does not fit).
    """

    feature: str

    def blank(self) -> tuple[np.ndarray, np.ndarray]: ...

    def fit(self, values: Iterable[Any]) -> dict[str, Any]: ...

    def __call__(self, value: Any, fitted: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]: ...


@dataclasses.dataclass(frozen=True)
class Rows:
    """A data set by name: its modalities by the names that the model's encoders have, and what is predicted, if any.

    `train` and `test` are TFDS splits or slices of rows. `tokenizer` is for the modalities that are texts. `kind` is a
    class of what is asked, by which scores are told; it stands in a batch as `label` does. `group` says which rows
    belong together, [B] int32, such as those of one sentence: how often all are right is told. `hide` says what of
    "image" and "text" is to be filled in, see `data.hide` for what a batch has then. `each` are features that are lists
    of as many things, such as the captions of a picture: a row is one of each, see `data.each`. `cache` MiB
    of training rows are kept as they were read, before they are varied.
    """

    name: str
    modalities: Mapping[str, Modality]
    label: Label | None = None
    kind: Label | None = None
    group: Group | None = None
    labels: Labels | None = None
    target: Target | None = None
    hide: Hide | None = None
    each: tuple[str, ...] = ()
    tokenizer: Tokenizer | None = None
    train: str = "train"
    test: str = "test"
    batch: int = 32
    threads: int = 2
    prefetch: int = 8
    cache: int = 256
    data_dir: str | None = None

    def __post_init__(self):
        if self.cache < 0:
            raise ValueError(f"cache is {self.cache}; expected MiB of training rows to keep, 0 for none")
        if self.batch < 1 or not self.modalities:
            raise ValueError(
                f"batch is {self.batch} with {len(self.modalities)} modalities, expected at least one of each"
            )
        if self.hide is not None and not set(self.modalities) <= {"image", "text"}:
            raise ValueError(f"hide is for image and text, but there are {', '.join(self.modalities)}; leave it out")
        if sum(aim is not None for aim in (self.label, self.labels, self.target)) > 1:
            raise ValueError("give one of label, a class, labels, any of several, and target, numbers")
        if self.kind is not None and (self.label is None or self.label.many != self.kind.many):
            raise ValueError("kind goes with a label, and with as many of them a row: make their many equal")
        taken = {"index", "source", "label", "kind", "group", "labels", "target"} & set(self.modalities)
        odd = sorted(taken | {name for name in self.modalities if not name.isidentifier() or name.endswith("_mask")})
        if odd:
            raise ValueError(
                f"no modality may be called {odd[0]!r}; take a name such as 'image' or 'sound' (its feature may be "
                "called so)"
            )
        texts = [name for name, modality in self.modalities.items() if getattr(modality, "words", False)]
        if bool(texts) != (self.tokenizer is not None):
            raise ValueError(
                f"{texts[0]} is a text and wants data.tokenizer"
                if texts
                else "no modality is a text: leave out tokenizer"
            )

    def blank(self) -> Batch:
        """A batch of zeros of these shapes, without reading anything or taking memory."""
        return {name: np.broadcast_to(x, (self.batch, *np.shape(x))) for name, x in self.empty().items()}

    def empty(self) -> Batch:
        """One example that is not there."""
        row: Batch = {"index": np.int32(-1)}
        for name, modality in self.modalities.items():
            row[name], row[f"{name}_mask"] = modality.blank()
        if self.kind is not None:
            row["kind"] = self.kind.blank()
        if self.group is not None:
            row["group"] = self.group.blank()
        if self.label is not None:
            row["label"] = self.label.blank()
        elif self.labels is not None:
            row["labels"] = self.labels.blank()
        elif self.target is not None:
            row["target"], row["target_mask"] = self.target.blank()
        return row if self.hide is None else row | self.hide.empty(row)

    def open(self, folder: str | os.PathLike, words: str | os.PathLike | None = None) -> RowFeed:
        """The data with what was fitted to its training rows in `folder`, or fitted and kept there now.

        `words` is another folder, where the tokenizer is.
        """
        return RowFeed(self, folder, words)
