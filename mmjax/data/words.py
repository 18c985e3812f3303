"""A vocabulary of lower-case words and punctuation marks, trained on the data."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

from mmjax.data.vocabulary import SPECIAL, UNK, Texts, Vocabulary, add, bounded, extra, from_json, once, without


@dataclasses.dataclass(frozen=True)
class Words:
    """One token a word: right for small closed languages such as easy-VQA's.

    Every word of the training texts becomes a token (ids by frequency, then alphabet); others read as <unk>.
    `locations` and `sentinels` whole tokens for places and gaps follow them (`data.vocabulary.extra`).
    """

    size: int = 512
    locations: int = 0
    sentinels: int = 0

    def open(self, folder: str | os.PathLike, texts: Texts) -> Vocabulary:
        """The vocabulary of `folder`, trained there from the texts if there is none."""
        path = once(Path(folder) / "tokenizer.json", lambda path: self.train(texts, path))
        return from_json(path, self.size)

    def train(self, texts: Texts, path: Path) -> None:
        """Write a `tokenizer.json` of all words; ValueError if they do not fit into `size`."""
        from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

        tokenizer = Tokenizer(models.WordLevel(unk_token=UNK))
        tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
        tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
        trainer = trainers.WordLevelTrainer(
            vocab_size=1 << 31, special_tokens=list(SPECIAL), show_progress=False, min_frequency=0
        )
        tokens = extra(self.locations, self.sentinels)
        tokenizer.train_from_iterator(without(texts(), tokens), trainer)
        add(tokenizer, tokens)
        bounded(tokenizer.get_vocab_size(), self.size, "the vocabulary of the training texts")
        tokenizer.save(str(path))
