"""The vocabulary of a SentencePiece model from disk (T5, mT5, Llama, ...).

Kudo and Richardson 2018 (arXiv 1808.06226).
"""

from __future__ import annotations

import dataclasses
import functools
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from mmjax.data.vocabulary import Texts, Vocabulary, bounded, once

if TYPE_CHECKING:
    import sentencepiece


@dataclasses.dataclass(frozen=True)
class SentencePiece:
    """A `tokenizer.model` (or `spiece.model`), copied into the run's folder."""

    path: str
    size: int

    def open(self, folder: str | os.PathLike, texts: Texts) -> Vocabulary:
        """The vocabulary of `folder`, copied there from `path` if there is none; the texts are not read."""
        path = once(Path(folder) / "tokenizer.model", self.copy)
        pieces = load(path)
        count = bounded(pieces.get_piece_size(), self.size, str(path))
        eos = pieces.eos_id()
        pad = pieces.pad_id() if pieces.pad_id() >= 0 else eos  # Llama has no pad; masks say what is real
        bos = pieces.bos_id() if pieces.bos_id() >= 0 else pad  # T5 starts its decoder with pad
        encoder = functools.lru_cache(maxsize=1 << 16)(lambda text: tuple(pieces.encode(text)))
        return Vocabulary(self.size, count, pad, eos, bos, encoder, pieces.decode, pieces.unk_id())

    def copy(self, path: Path) -> None:
        """Copy the file after making sure that it can be read and fits."""
        source = Path(self.path).expanduser()
        bounded(load(source).get_piece_size(), self.size, str(source))
        shutil.copyfile(source, path)


def load(path: Path) -> sentencepiece.SentencePieceProcessor:
    """The model of a file; it must mark the end of a text."""
    import sentencepiece

    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file, expected a SentencePiece model")
    try:
        pieces = sentencepiece.SentencePieceProcessor(model_file=str(path))
    except RuntimeError as error:
        raise ValueError(f"{path}: not a SentencePiece model ({' '.join(str(error).split())})") from error
    if pieces.eos_id() < 0:
        raise ValueError(f"{path} has no end-of-text token: train it with one (--eos_id=1)")
    return pieces
