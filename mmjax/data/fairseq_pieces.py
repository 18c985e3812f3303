"""A SentencePiece vocabulary as fairseq numbers it (XLM-R: arXiv 1911.02116), which BEiT-3 was trained with.

<s> 0, <pad> 1, </s> 2, <unk> 3, then the model's own pieces from its fourth on, each one further than there
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence

from mmjax.data.sentence_piece import SentencePiece
from mmjax.data.vocabulary import Texts, Vocabulary, bounded

BOS, PAD, EOS, UNK = range(4)
THERE = (2, 1, 0)  # eos, bos and unknown in a model that fairseq numbers so


@dataclasses.dataclass(frozen=True)
class FairseqPieces:
    """A `beit3.spm` or the like, copied into the run's folder.

    With `sentinels` 1 what is hidden has the id of fairseq's <mask>, the first after the pieces.
    """

    path: str
    size: int
    sentinels: int = 0

    def open(self, folder: str | os.PathLike, texts: Texts) -> Vocabulary:
        """The vocabulary of `folder`, copied there from `path` if there is none; the texts are not read.

        Raises:
            ValueError: a model whose special tokens stand elsewhere.
        """
        pieces = SentencePiece(self.path, self.size, sentinels=self.sentinels).open(folder, texts)
        if (pieces.eos, pieces.bos, pieces.unk) != THERE:
            raise ValueError(
                f"{self.path} has </s>, <s> and <unk> at {pieces.eos}, {pieces.bos} and {pieces.unk}; expected 2, 1 "
                "and 0 as in XLM-R's; data.sentence_piece takes other models"
            )
        count = bounded(pieces.count + 1, self.size, self.path)

        def encode(text: str) -> tuple[int, ...]:
            return tuple(number + 1 if number else UNK for number in pieces.encoder(text))

        def decode(ids: Sequence[int]) -> str:
            return pieces.decoder([0 if number == UNK else number - 1 for number in ids if number > EOS])

        return Vocabulary(self.size, count, PAD, EOS, BOS, encode, decode, UNK)
