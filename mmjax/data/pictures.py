"""One prepared TFDS data set of pictures with questions and answers, captions, words or objects."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping

from mmjax.data.batches import Batches
from mmjax.data.dataset import Dataset
from mmjax.data.feed import Feed
from mmjax.data.part import Augmentation, Part, Prompt
from mmjax.data.prompts.answer_question import AnswerQuestion


@dataclasses.dataclass(frozen=True)
class Pictures(Batches):
    """Which data set, what of it, what is asked, and how it is batched; see `data.dataset` and `data.prompts`."""

    name: str
    prompt: Prompt = dataclasses.field(default_factory=lambda: AnswerQuestion("{question}"))
    fields: Mapping[str, str] = dataclasses.field(
        default_factory=lambda: {"image": "image", "question": "question", "answer": "answer", "group": "image_id"}
    )
    train: str = "train"
    test: str = "test"
    augment: Augmentation | None = None
    data_dir: str | None = None

    def __post_init__(self):
        super().__post_init__()
        _ = self.part  # says what does not fit together

    @property
    def part(self) -> Part:
        """The data set as the only part of a feed."""
        source = Dataset(self.name, self.fields, self.train, self.test, self.data_dir)
        return Part(source, self.prompt, augment=self.augment)

    def open(self, folder: str | os.PathLike) -> Feed:
        """The data set with the tokenizer of `folder`, trained and saved there if it is not there yet."""
        return Feed({"": self.part}, self, folder)
