"""A byte-level byte-pair vocabulary trained on the data: any text, no unknown words, decoding is exact.

Sennrich et al. 2016 (arXiv 1508.07909); over bytes as in GPT-2 (Radford et al. 2019).
"""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

from mmjax.data.vocabulary import SPECIAL, UNK, Texts, Vocabulary, add, extra, from_json, once, without


@dataclasses.dataclass(frozen=True)
class BytePair:
    """Subwords of bytes: right for open text; at least 260 tokens (256 bytes and four special ones).

    `locations` and `sentinels` of them are whole tokens for places and gaps (`data.vocabulary.extra`).
    """

    size: int = 8192
    locations: int = 0
    sentinels: int = 0

    def open(self, folder: str | os.PathLike, texts: Texts) -> Vocabulary:
        """The vocabulary of `folder`, trained there from the texts if there is none."""
        path = once(Path(folder) / "tokenizer.json", lambda path: self.train(texts, path))
        return from_json(path, self.size)

    def train(self, texts: Texts, path: Path) -> None:
        """Write a `tokenizer.json` of at most `size` tokens."""
        from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

        alphabet = pre_tokenizers.ByteLevel.alphabet()
        tokens = extra(self.locations, self.sentinels)
        least = len(alphabet) + len(SPECIAL) + len(tokens)
        if self.size < least:
            raise ValueError(f"tokenizer.size is {self.size}: byte pairs need {least} or more")
        tokenizer = Tokenizer(models.BPE(unk_token=UNK))
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=self.size - len(tokens),
            special_tokens=list(SPECIAL),
            initial_alphabet=sorted(alphabet),
            show_progress=False,
        )
        tokenizer.train_from_iterator(without(texts(), tokens), trainer)
        add(tokenizer, tokens)
        tokenizer.save(str(path))
