"""One prepared TFDS data set of pictures with questions and answers, captions, words or objects."""

from __future__ import annotations

import dataclasses
import os

from mmjax.data.batches import Batches
from mmjax.data.dataset import Dataset
from mmjax.data.feed import Feed
from mmjax.data.part import Augmentation, Part, Prompt
from mmjax.data.prompts.answer_question import AnswerQuestion


@dataclasses.dataclass(frozen=True)
class Pictures(Dataset, Batches):
    """A data set, what is asked about its pictures, and how that is batched; see `data.prompts`."""

    prompt: Prompt = dataclasses.field(default_factory=lambda: AnswerQuestion("{question}"))
    augment: Augmentation | None = None

    def __post_init__(self):
        Batches.__post_init__(self)
        Dataset.__post_init__(self)
        _ = self.part  # says what does not fit together

    @property
    def part(self) -> Part:
        """The data set as the only part of a feed."""
        return Part(self, self.prompt, augment=self.augment)

    def open(self, folder: str | os.PathLike) -> Feed:
        """The data set with the tokenizer of `folder`, trained and saved there if it is not there yet."""
        return Feed({"": self.part}, self, folder)
