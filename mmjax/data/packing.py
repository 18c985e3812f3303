"""Pictures and their texts as arrays of fixed shape: what every data set of pictures hands to a task.

image [B, H, W, 3] uint8    image_mask [B]           the picture, raw: it is normalised on the device
image [B, N, H, W, 3]       image_mask [B, N]        where an example has several pictures or frames
text [B, Q, L] int32        text_mask [B, Q, L]      Q texts about each picture
target [B, Q, T] int32      target_mask [B, Q, T]    what is answered, each ending with eos
index [B] int32                                      the example's place in its split, -1 for padding rows
source [B] int32                                     which part of a mixture it is from, -1 for padding rows

In training, where words of targets are hidden:

target_seen [B, Q, T] int32                          the target with hidden words
target_told [B, Q, T]                                where they are
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mmjax.data import images
from mmjax.data.stream import Batch, stack
from mmjax.data.vocabulary import Vocabulary

if TYPE_CHECKING:
    from mmjax.data.batches import Batches
    from mmjax.data.hide_words import HideWords


@dataclasses.dataclass(frozen=True)
class Pair:
    """A question and its answer (None: to be predicted); `name` is what an error calls it."""

    text: str
    target: str | None
    name: str


@dataclasses.dataclass(frozen=True)
class Packer:
    """Packs pictures and at most Q pairs into one example, and examples into batches, in the shapes of a config."""

    vocabulary: Vocabulary
    shapes: Batches

    def blank(self, drawn: bool = False) -> Batch:
        """An example that is not there: every mask False, pad everywhere, index and source -1."""
        return zeros(self.shapes, self.vocabulary.pad, drawn)

    def sized(self, image: np.ndarray, name: str) -> np.ndarray:
        """A picture in the size of the batch."""
        return images.resize(image, self.shapes.size, self.shapes.resize, name)

    def example(
        self, shown: Sequence[np.ndarray], pairs: Sequence[Pair], index: int, source: int = 0, drawn: bool = False
    ) -> Batch:
        """One example without the batch axis, as evaluation asks it or `drawn` for training, yet with nothing hidden.

        Raises:
            ValueError: a row is too long or has too many pictures; it is named.
        """
        row = {**self.blank(drawn), "index": np.int32(index), "source": np.int32(source)}
        self.check_pictures(len(shown), pairs[0].name)
        if self.shapes.pictures is None and len(shown):
            row |= {"image": shown[0], "image_mask": np.True_}
        for place, image in enumerate(shown if self.shapes.pictures else ()):
            row["image"][place], row["image_mask"][place] = image, True
        for place, pair in enumerate(pairs):
            for name, ids in self.ids(pair).items():
                row[name][place, : len(ids)] = ids
                row[f"{name}_mask"][place, : len(ids)] = True
        return row

    def hidden(self, row: Batch, rng: np.random.Generator) -> Batch:
        """A training example with hidden words, where some are to be hidden."""
        hide = self.shapes.hide
        row = training(row, hide)
        for place in np.flatnonzero(row["target_mask"].any(-1)) if hide else ():
            found = hide(row["target"][place], row["target_mask"][place], self.vocabulary, rng)
            row["target_seen"][place], row["target_told"][place] = found
        return row

    def check_pictures(self, count: int, name: str) -> None:
        """Raise ValueError where a row has more pictures than an example may have."""
        most = self.shapes.pictures
        if count > (most or 1):
            raise ValueError(
                f"{name}: it has {count} pictures, but data.pictures is {most}: set it to {count} or more, or give "
                f"at most {most or 1}"
            )

    def fits(self, pair: Pair) -> bool:
        """Whether a pair is short enough."""
        try:
            return bool(self.ids(pair))
        except ValueError:
            return False

    def ids(self, pair: Pair) -> dict[str, list[int]]:
        """The tokens of a pair; nothing is ever cut, since half a question is another question.

        Where nothing is asked the text is the token that texts begin with.
        """
        ids = {"text": self.vocabulary.encode(pair.text) if pair.text else [self.vocabulary.bos]}
        if pair.target is not None:
            ids["target"] = [*self.vocabulary.encode(pair.target), self.vocabulary.eos]
        for name, limit in (("text", self.shapes.text_length), ("target", self.shapes.target_length)):
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


def training(row: Batch, hide: HideWords | None) -> Batch:
    """A row with what it has in training besides, of which nothing is hidden yet."""
    if hide is None:
        return row
    return {**row, "target_seen": row["target"].copy(), "target_told": np.zeros(row["target"].shape, bool)}


def zeros(shape: Batches, pad: int = 0, drawn: bool = False) -> Batch:
    """A blank example of the sizes that a config names, those of training where it is drawn; index and source -1."""
    count = shape.drawn if drawn and shape.drawn is not None else shape.questions
    side = (shape.size, shape.size, 3)
    several = () if shape.pictures is None else (shape.pictures,)
    ids = {
        "text": np.full((count, shape.text_length), pad, np.int32),
        "target": np.full((count, shape.target_length), pad, np.int32),
    }
    masks = {f"{name}_mask": np.zeros(value.shape, bool) for name, value in ids.items()}
    pictures = {"image": np.zeros((*several, *side), np.uint8), "image_mask": np.zeros(several, bool)[()]}
    return {**pictures, **ids, **masks, "index": np.int32(-1), "source": np.int32(-1)}
