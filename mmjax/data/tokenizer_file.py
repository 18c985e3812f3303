"""The vocabulary of a Hugging Face `tokenizer.json` from disk (T5, BERT, GPT-2, ... as published)."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from mmjax.data.vocabulary import Texts, Vocabulary, from_json, load_json, once

# How published tokenizers call their special tokens, the first one found is taken.
PADS = ("<pad>", "[PAD]", "<|pad|>", "<|endoftext|>", "</s>")
ENDS = ("</s>", "<eos>", "[SEP]", "<|endoftext|>", "<|im_end|>", "<|end_of_text|>")
STARTS = (
    "<s>",
    "<bos>",
    "[CLS]",
    "<|begin_of_text|>",
    "<pad>",
    "<|endoftext|>",
)  # T5 starts its decoder with <pad>


@dataclasses.dataclass(frozen=True)
class TokenizerFile:
    """A `tokenizer.json`, copied into the run's folder; pad, eos and bos are named if they are unusual."""

    path: str
    size: int
    pad: str | None = None
    eos: str | None = None
    bos: str | None = None

    def open(self, folder: str | os.PathLike, texts: Texts) -> Vocabulary:
        """The vocabulary of `folder`, copied there from `path` if there is none; the texts are not read."""
        path = once(Path(folder) / "tokenizer.json", self.copy)
        return from_json(path, self.size, self.special(path))

    def copy(self, path: Path) -> None:
        """Copy the file after making sure that it can be read and fits."""
        source = Path(self.path).expanduser()
        load_json(source)
        from_json(source, self.size, self.special(source))
        shutil.copyfile(source, path)

    def special(self, path: Path) -> tuple[int, int, int]:
        """The ids of pad, eos and bos in a file."""
        tokens = load_json(path).get_vocab()
        return (
            find(tokens, "pad", [self.pad] if self.pad else PADS, path),
            find(tokens, "eos", [self.eos] if self.eos else ENDS, path),
            find(tokens, "bos", [self.bos] if self.bos else STARTS, path),
        )


def find(tokens: dict[str, int], role: str, names: Sequence[str], path: Path) -> int:
    """The id of the first name that is a token; ValueError says which field to set."""
    for name in names:
        if name in tokens:
            return tokens[name]
    raise ValueError(f"{path} has no token {' or '.join(names)}: set tokenizer.{role} to the token it uses")
