"""The vocabulary of a SentencePiece model from disk (T5, mT5, Llama, ...).

Kudo and Richardson 2018 (arXiv 1808.06226).
"""

from __future__ import annotations

import dataclasses
import functools
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mmjax.data.vocabulary import Texts, Vocabulary, bounded, extra, once

if TYPE_CHECKING:
    import sentencepiece


@dataclasses.dataclass(frozen=True)
class SentencePiece:
    """A `tokenizer.model` (or `spiece.model`), copied into the run's folder.

    `locations` and `sentinels` are whole tokens for places and gaps (`data.vocabulary.extra`). Those that the model
    does not hold follow its own as in T5, whose sentinels are 32,000 to 32,099, the last one first; then locations.
    """

    path: str
    size: int
    locations: int = 0
    sentinels: int = 0

    def open(self, folder: str | os.PathLike, texts: Texts) -> Vocabulary:
        """The vocabulary of `folder`, copied there from `path` if there is none; the texts are not read."""
        path = once(Path(folder) / "tokenizer.model", self.copy)
        pieces = load(path, self.tokens)
        count = bounded(pieces.get_piece_size(), self.size, str(path))
        eos = pieces.eos_id()
        pad = pieces.pad_id() if pieces.pad_id() >= 0 else eos  # Llama has no pad; masks say what is real
        bos = pieces.bos_id() if pieces.bos_id() >= 0 else pad  # T5 starts its decoder with pad
        encoder = functools.lru_cache(maxsize=1 << 16)(lambda text: tuple(pieces.encode(text)))
        return Vocabulary(self.size, count, pad, eos, bos, encoder, pieces.decode, pieces.unk_id())

    def copy(self, path: Path) -> None:
        """Copy the file after making sure that it can be read and fits."""
        source = Path(self.path).expanduser()
        bounded(load(source, self.tokens).get_piece_size(), self.size, str(source))
        shutil.copyfile(source, path)

    @property
    def tokens(self) -> list[str]:
        """The whole tokens by their ids; to a sentinel belongs the space before it, as in T5 and mT5."""
        return [f"\u2581{token}" for token in extra(0, self.sentinels)[::-1]] + extra(self.locations, 0)


def load(path: Path, tokens: Sequence[str] = ()) -> sentencepiece.SentencePieceProcessor:
    """The model of a file with these whole tokens; it must mark the end of a text."""
    import sentencepiece

    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file, expected a SentencePiece model")
    try:
        pieces = sentencepiece.SentencePieceProcessor(model_file=str(path))
    except RuntimeError as error:
        raise ValueError(f"{path}: not a SentencePiece model ({' '.join(str(error).split())})") from error
    if pieces.eos_id() < 0:
        raise ValueError(f"{path} has no end-of-text token: train it with one (--eos_id=1)")
    return sentencepiece.SentencePieceProcessor(model_proto=extended(path.read_bytes(), tokens)) if tokens else pieces


def extended(model: bytes, tokens: Sequence[str]) -> bytes:
    """A SentencePiece model that finds these tokens whole; those that it lacks follow its pieces."""
    from sentencepiece import sentencepiece_model_pb2

    proto = sentencepiece_model_pb2.ModelProto.FromString(model)
    held = {piece.piece: piece for piece in proto.pieces}
    for token in tokens:
        piece = held.get(token) or proto.pieces.add(piece=token, score=0.0)
        piece.type = piece.USER_DEFINED
    return proto.SerializeToString()
