"""What a run reads: training batches by number, evaluation splits in order, and rows that a user brings.

Pictures are shuffled per epoch, Q questions drawn and the picture augmented by random numbers that depend on the
example's place in the stream alone; see `data.stream`.
"""

from __future__ import annotations

import bisect
import functools
import itertools
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmjax.data import requests
from mmjax.data.packing import Batch, Packer
from mmjax.data.part import Part
from mmjax.data.reader import Reader
from mmjax.data.stream import Host, Stream
from mmjax.data.vocabulary import FILES, Vocabulary

if TYPE_CHECKING:
    import grain

    from mmjax.data.batches import Batches


class Feed:
    """The opened data of a run; nothing is read before it is asked for."""

    files = word_files = FILES
    notes = ()
    packed = True  # question q of an example is row `index` + q of what a user asks, see `encode`

    def __init__(self, parts: Mapping[str, Part], config: Batches, folder: str | os.PathLike):
        self.sources = tuple(parts)
        self.parts = tuple(Reader(number, part, config.questions) for number, part in enumerate(parts.values()))
        self.weights = tuple(part.weight for part in parts.values())
        self.folder = Path(folder)
        self.config = config
        self.stream = Stream(config.batch, config.threads, config.prefetch)

    @functools.cached_property
    def vocabulary(self) -> Vocabulary:
        """The folder's vocabulary; a new one gets there after every row of both splits was seen to fit it."""
        if any((self.folder / name).exists() for name in FILES):
            return self.config.tokenizer.open(self.folder, self.texts)
        self.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.folder, prefix=".tokenizer.") as temporary:
            vocabulary = self.config.tokenizer.open(temporary, self.texts)
            self.check(vocabulary)
            for path in Path(temporary).iterdir():
                os.replace(path, self.folder / path.name)
        return vocabulary

    asks = ("image", "text", "task")

    @property
    def rows(self) -> dict[str, str]:
        """What tells each training split from one with other rows; seeded scenes are always the same."""
        sources = [part.part.source for part in self.parts if hasattr(part.part.source, "told")]
        return {name: told for source in sources for name, told in source.told().items()}

    def check(self, vocabulary: Vocabulary) -> None:
        """Raise ValueError for rows that cannot be read so, before a training meets them.

        That is a row that is too long, or written with a token that is none of the vocabulary, and rows with several
        pictures where an example has one.
        """
        packer = Packer(vocabulary, self.config)
        if self.config.hide is not None:
            _ = vocabulary.mask  # says where there is none
        for part, name in itertools.product(self.parts, ("train", "test")):
            split = part.split(name)
            if split.several and part.part.prompt.picture and self.config.pictures is None:
                raise ValueError(
                    f"{split.name}: its rows have lists of pictures, but data.pictures is None: set it to how many "
                    "a row has at most"
                )
            pattern = part.part.prompt.whole
            seen: set[str] = set()
            for pair in part.pairs(name):
                tokens = set(re.findall(pattern, f"{pair.text} {pair.target}")) - seen if pattern else ()
                for token in tokens:
                    vocabulary.check_whole(token, pair.name)
                seen.update(tokens)
                packer.ids(pair)

    @functools.cached_property
    def packer(self) -> Packer:
        """What packs pictures and questions in the configured shapes."""
        return Packer(self.vocabulary, self.config)

    def texts(self) -> Iterator[str]:
        """Every text and target of the training splits: what a tokenizer is trained on."""
        for part in self.parts:
            for pair in part.pairs("train"):
                yield pair.text
                yield pair.target

    def train(self, seed: int, start: int = 0, host: Host = (0, 1)) -> grain.DatasetIterator:
        """Endless batches start, start + 1, ...; host (i, n) gets rows i*B/n .. (i+1)*B/n of each.

        An example's `index` is that of its picture's first example in `.split(split="train")`.

        Raises:
            ValueError: the hosts cannot share a batch evenly, or there is no training split.
        """
        parts, offset = [], 0
        for part in self.parts:
            parts.append((part.pictures("train"), functools.partial(part.draw, self.packer, offset)))
            offset += part.examples("train")
        return self.stream.drawn(parts, self.weights, seed, start, host)

    def split(self, host: Host = (0, 1), split: str | None = None) -> grain.DatasetIterator:
        """Every question of a split (None: test) once, in order; blank examples fill the last batch.

        A picture with more than Q questions is several examples; all hosts get equally many batches.

        Raises:
            ValueError: there is no such split, or the hosts cannot share a batch evenly.
        """
        read = functools.partial(self.example, split=split)
        return self.stream.ordered(self.examples(split), read, self.packer.blank, host)

    def take(self, indices: Sequence[int], split: str | None = None) -> Batch:
        """The examples `.split` counts by these indices, padded to a multiple of the batch size."""
        return self.packer.batch([self.example(int(place), split) for place in indices], self.config.batch)

    def examples(self, split: str | None = None) -> int:
        """How many examples a split (None: the test split) is cut into."""
        return sum(part.examples(split or "test") for part in self.parts)

    def example(self, place: int, split: str | None = None) -> Batch:
        """One example of a split, without a batch axis; the parts of a mixture follow each other.

        Raises:
            ValueError: there is no such example or split, or its row is too long.
        """
        name = split or "test"
        ends = list(itertools.accumulate(part.examples(name) for part in self.parts))
        if not 0 <= place < ends[-1]:
            raise ValueError(f"split {name!r} has no example {place}, it has 0 to {ends[-1] - 1}")
        number = bisect.bisect_right(ends, place)
        before = ends[number - 1] if number else 0
        return self.parts[number].read(self.packer, name, place - before, place)

    def encode(
        self, rows: Sequence[Mapping[str, Any]], root: str | os.PathLike = "."
    ) -> tuple[list[Batch], dict[int, str]]:
        """Rows {"image": path, array or Pillow image, "text" or "question": str} -> batches, {row: error}.

        Where several pictures make an example, "image" is a list of them. In a mixture a row's "task" names the part
        whose prompt the text is put into; without it the text is asked as it is.
        Neighbouring rows about the same picture share an example: question q of an example is row `index` +
        q, for every q whose text_mask is not all False. Relative paths are taken from `root`.
        """
        prompts = {name: part.part.prompt for name, part in zip(self.sources, self.parts, strict=True)}
        examples, errors = requests.pack(rows, self.packer, prompts, Path(root))
        size = self.config.batch
        return [self.packer.batch(examples[i : i + size], size) for i in range(0, len(examples), size)], errors
