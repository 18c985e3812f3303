"""A prepared TFDS data set of pictures with texts and targets: questions and answers, captions, labels."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import numpy as np

from mmjax.data.feed import Feed
from mmjax.data.vocabulary import Tokenizer

PARTS = ("image", "text", "target", "group")


@runtime_checkable
class Augmentation(Protocol):
    """[H, W, 3] uint8 and a generator -> [H, W, 3] uint8: another picture with the same answers."""

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray: ...


@dataclasses.dataclass(frozen=True)
class Pictures:
    """Which data set, what of it, and how it is batched.

    `fields` says which TFDS features hold image, text, target and (optional) group: rows of one group show
    the same picture, encoded once for all its questions. Without a text every row asks the `prompt`.
    """

    name: str
    tokenizer: Tokenizer
    fields: Mapping[str, str] = dataclasses.field(
        default_factory=lambda: {
            "image": "image",
            "text": "question",
            "target": "answer",
            "group": "image_id",
        }
    )
    prompt: str = "{text}"
    train: str = "train"
    test: str = "test"
    augment: Augmentation | None = None
    size: int = 64
    batch: int = 16
    questions: int = 8
    text_length: int = 16
    target_length: int = 4
    data_dir: str | None = None
    threads: int = 2
    prefetch: int = 8

    def __post_init__(self):
        for name in ("size", "batch", "questions", "text_length", "target_length"):
            if getattr(self, name) < 1:
                raise ValueError(f"data.{name} is {getattr(self, name)}, expected 1 or more")
        unknown = [part for part in self.fields if part not in PARTS]
        absent = [part for part in ("image", "target") if part not in self.fields]
        if unknown or absent:
            raise ValueError(
                f"data.fields has {', '.join(sorted(self.fields))}; it needs image and target, and may have "
                "text and group"
            )
        if "text" not in self.fields and not self.prompt.replace("{text}", "").strip():
            raise ValueError(
                "data.fields has no text, so data.prompt must ask something, such as 'describe the picture'"
            )

    def open(self, folder: str | os.PathLike) -> Feed:
        """The data set with the tokenizer of `folder`, trained and saved there if it is not there yet."""
        return Feed((self,), (1.0,), folder)
