"""Pictures and their questions as arrays of fixed shape: what every data set of pictures hands to a task.

image [B, H, W, 3] uint8    image_mask [B]           the picture, raw: it is normalised on the device
text [B, Q, L] int32        text_mask [B, Q, L]      Q questions about each picture
target [B, Q, T] int32      target_mask [B, Q, T]    the answers, each ending with eos
index [B] int32                                      the example's place in its split, -1 for padding rows
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from mmjax.data.vocabulary import Vocabulary

Batch = dict[str, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Pair:
    """A question and its answer (None: to be predicted); `name` is what an error calls it."""

    text: str
    target: str | None
    name: str


@dataclasses.dataclass(frozen=True)
class Packer:
    """Packs a picture and at most Q pairs into one example, and examples into batches."""

    vocabulary: Vocabulary
    size: int
    questions: int
    text_length: int
    target_length: int

    def blank(self) -> Batch:
        """An example that is not there: every mask False, pad everywhere, index -1."""
        ids = {
            "text": np.full((self.questions, self.text_length), self.vocabulary.pad, np.int32),
            "target": np.full((self.questions, self.target_length), self.vocabulary.pad, np.int32),
        }
        masks = {f"{name}_mask": np.zeros(value.shape, bool) for name, value in ids.items()}
        image = np.zeros((self.size, self.size, 3), np.uint8)
        return {"image": image, "image_mask": np.False_, **ids, **masks, "index": np.int32(-1)}

    def example(self, image: np.ndarray, pairs: Sequence[Pair], index: int) -> Batch:
        """One example without the batch axis; ValueError names the row that is too long."""
        row = {**self.blank(), "image": image, "image_mask": np.True_, "index": np.int32(index)}
        for place, pair in enumerate(pairs):
            for name, ids in self.ids(pair).items():
                row[name][place, : len(ids)] = ids
                row[f"{name}_mask"][place, : len(ids)] = True
        return row

    def ids(self, pair: Pair) -> dict[str, list[int]]:
        """The tokens of a pair; nothing is ever cut, since half a question is another question."""
        ids = {"text": self.vocabulary.encode(pair.text)}
        if pair.target is not None:
            ids["target"] = [*self.vocabulary.encode(pair.target), self.vocabulary.eos]
        for name, limit in (("text", self.text_length), ("target", self.target_length)):
            if len(ids.get(name, ())) > limit:
                eos = ", the end token included" if name == "target" else ""
                raise ValueError(
                    f"{pair.name}: the {name} has {len(ids[name])} tokens{eos}, but data.{name}_length is "
                    f"{limit}: set it to {len(ids[name])} or more"
                )
        return ids

    def batch(self, examples: Sequence[Batch], multiple: int) -> Batch:
        """Examples stacked, with blank ones up to a multiple of `multiple`."""
        missing = -len(examples) % multiple if examples else multiple
        return stack([*examples, *[self.blank()] * missing])


def stack(examples: Sequence[Batch]) -> Batch:
    """Examples -> one batch, key by key."""
    return {name: np.stack([example[name] for example in examples]) for name in examples[0]}
