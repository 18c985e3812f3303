"""The vocabulary of a Hugging Face `tokenizer.json` from disk (T5, BERT, GPT-2, ... as published)."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from mmjax.data.vocabulary import Texts, Vocabulary, extra, from_json, load_json, once

# How published tokenizers call their special tokens. The first that the file marks as special is taken, or else the
# first that is a token: Gemma's holds "</s>" and "<s>" too, as words of HTML.
PADS = ("<pad>", "[PAD]", "<|pad|>", "<|endoftext|>", "</s>")
ENDS = ("<eos>", "</s>", "[SEP]", "<|endoftext|>", "<|im_end|>", "<|end_of_text|>")
STARTS = (
    "<bos>",
    "<s>",
    "[CLS]",
    "<|begin_of_text|>",
    "<pad>",
    "<|endoftext|>",
)  # T5 starts its decoder with <pad>


@dataclasses.dataclass(frozen=True)
class TokenizerFile:
    """A `tokenizer.json`, copied into the run's folder; pad, eos and bos are named if they are unusual.

    `size` is the bound a model is built with (None: as many as there are).
    `locations` and `sentinels` are whole tokens for places and gaps (`data.vocabulary.extra`); those that the file does
    not hold follow its own.
    """

    path: str
    size: int | None = None
    pad: str | None = None
    eos: str | None = None
    bos: str | None = None
    locations: int = 0
    sentinels: int = 0

    def open(self, folder: str | os.PathLike, texts: Texts) -> Vocabulary:
        """The vocabulary of `folder`, copied there from `path` if there is none; the texts are not read."""
        path = once(Path(folder) / "tokenizer.json", self.copy)
        return self.read(path)

    def copy(self, path: Path) -> None:
        """Copy the file after making sure that it can be read and fits."""
        source = Path(self.path).expanduser()
        self.read(source)
        shutil.copyfile(source, path)

    def read(self, path: Path) -> Vocabulary:
        """The vocabulary of a file."""
        return from_json(path, self.size, self.special(path), extra(self.locations, self.sentinels))

    def special(self, path: Path) -> tuple[int, int, int]:
        """The ids of pad, eos and bos in a file."""
        tokenizer = load_json(path)
        added, everything = tokenizer.get_added_tokens_decoder(), tokenizer.get_vocab()
        tokens = {token.content: number for number, token in added.items() if token.special}, everything
        return (
            find([everything], "pad", [self.pad] if self.pad else PADS, path),
            find(tokens, "eos", [self.eos] if self.eos else ENDS, path),
            find(tokens, "bos", [self.bos] if self.bos else STARTS, path),
        )


def find(tokens: Sequence[Mapping[str, int]], role: str, names: Sequence[str], path: Path) -> int:
    """The id of the first name in the first of these tokens that has one; ValueError says which field to set."""
    for known in tokens:
        for name in names:
            if name in known:
                return known[name]
    raise ValueError(f"{path} has no token {' or '.join(names)}: set tokenizer.{role} to the token it uses")
