"""The vocabulary a tokenizer opens to: text <-> ids, with the four special ids that models and tasks need."""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

if TYPE_CHECKING:
    import tokenizers

PAD, EOS, BOS, UNK = "<pad>", "</s>", "<s>", "<unk>"
SPECIAL = (PAD, EOS, BOS, UNK)  # in the order of their ids, 0 to 3, in every vocabulary that mmjax trains
FILES = ("tokenizer.json", "tokenizer.model")  # what the tokenizers leave in a run's folder
INPUTS = "inputs.json"  # what else is decided by the training rows
READ = (INPUTS, *FILES)
HIDDEN, EXTRA = "<extra_id_0>", re.compile(r"<loc\d+>|<extra_id_\d+>")
Texts = Callable[[], Iterator[str]]


@runtime_checkable
class Tokenizer(Protocol):
    """What a config's `tokenizer` is: it opens a folder's vocabulary, or makes it there from the texts."""

    def open(self, folder: str | os.PathLike, texts: Texts) -> Vocabulary: ...


@dataclasses.dataclass(frozen=True)
class Vocabulary:
    """Text <-> ids; `size` is the bound a model is built with, `count` the ids that mean something."""

    size: int
    count: int
    pad: int
    eos: int
    bos: int
    encoder: Callable[[str], Sequence[int]]
    decoder: Callable[[list[int]], str]
    unk: int | None = None  # the id that stands for whatever the vocabulary does not hold, if there is one
    ends: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())  # what its file says to put before and after a text

    def encode(self, text: str) -> list[int]:
        """The ids of a text, without special tokens.

        Raises:
            ValueError: the text holds half a character (a lone surrogate, which JSON can write and UTF-8 cannot).
        """
        if not text.isascii():
            whole(text)
        return list(self.encoder(text))

    @functools.cached_property
    def mask(self) -> int:
        """The id that stands for a word that is hidden: that of <extra_id_0>.

        Raises:
            ValueError: the vocabulary has no such token.
        """
        try:
            self.check_whole(HIDDEN, HIDDEN)
        except ValueError:
            raise ValueError(
                f"{HIDDEN}, which stands for a hidden word, is no token of the tokenizer: set tokenizer.sentinels to 1"
            ) from None
        return next(number for number in self.encode(HIDDEN) if self.decoder([number]).strip())

    @functools.cached_property
    def ordinary(self) -> np.ndarray:
        """The ids of words: neither special tokens nor those of `extra`."""
        special = {self.pad, self.eos, self.bos, self.unk, *self.ends[0], *self.ends[1]}
        ids = (number for number in range(self.count) if number not in special)
        return np.array([number for number in ids if not EXTRA.fullmatch(self.decoder([number]).strip())], np.int32)

    @functools.cached_property
    def said(self) -> np.ndarray:
        """[size] bool: whether an id is one of `ordinary`."""
        return np.isin(np.arange(max(self.size, self.count)), self.ordinary)

    def check_whole(self, token: str, name: str) -> None:
        """Raise ValueError unless the vocabulary holds a token such as <loc0012> as one; `name` is the row with it."""
        ids = self.encode(token)
        found = [number for number in ids if number != self.unk and self.decoder([number]).strip()]
        if len(found) != 1 or self.unk in ids:
            field = "locations" if token.startswith("<loc") else "sentinels"
            least = int(re.sub(r"\D", "", token)) + 1
            raise ValueError(
                f"{name}: {token} is no token of the tokenizer: set tokenizer.{field} to {least} or "
                "more, or let the prompt write fewer"
            )

    def decode(self, ids: Iterable[int]) -> str:
        """The text of ids: up to the first eos, without pad, bos and ids that mean nothing."""
        kept = []
        for token in map(int, ids):
            if token == self.eos:
                break
            if token not in (self.pad, self.bos) and 0 <= token < self.count:
                kept.append(token)
        return self.decoder(kept)


def whole(text: str) -> str:
    """The text, or ValueError where it holds half a character (a lone surrogate)."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"its text holds half a character at place {error.start}, which UTF-8 cannot write") from None
    return text


def bounded(count: int, size: int, name: str) -> int:
    """`count`, or ValueError when a tokenizer has more tokens than its model is built for."""
    if count > size:
        raise ValueError(f"{name} has {count:,} tokens, but tokenizer.size is {size:,}: set it to {count:,} or more")
    return count


def from_json(
    path: Path, size: int | None, special: Sequence[int] | None = None, tokens: Sequence[str] = ()
) -> Vocabulary:
    """A vocabulary from a Hugging Face `tokenizer.json`; special = (pad, eos, bos), ids 0, 1, 2 when None.

    `size` None is the number of its tokens; `tokens` are whole tokens that it holds, or else gets after its own.
    """
    tokenizer = load_json(path, tokens)
    count = max(tokenizer.get_vocab().values()) + 1
    size = count if size is None else size
    bounded(count, size, str(path))
    pad, eos, bos = special or (0, 1, 2)

    @functools.lru_cache(maxsize=1 << 16)  # questions repeat far more often than they differ
    def encoder(text: str) -> tuple[int, ...]:
        return tuple(tokenizer.encode(text, add_special_tokens=False).ids)

    return Vocabulary(
        size,
        count,
        pad,
        eos,
        bos,
        encoder,
        lambda ids: tokenizer.decode(ids, skip_special_tokens=False),
        tokenizer.token_to_id(getattr(tokenizer.model, "unk_token", None) or UNK),
        ends_of(tokenizer),
    )


def ends_of(tokenizer: tokenizers.Tokenizer) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The special tokens that a tokenizer's file puts before and after a text, such as [CLS] and [SEP]."""
    encoded = tokenizer.encode("a", add_special_tokens=True)
    inside = [place for place, special in enumerate(encoded.special_tokens_mask) if not special]
    if not inside:
        return (), ()
    return tuple(encoded.ids[: inside[0]]), tuple(encoded.ids[inside[-1] + 1 :])


def load_json(path: Path, tokens: Sequence[str] = ()) -> tokenizers.Tokenizer:
    """The tokenizer of a file with these whole tokens, without the truncation and padding that the file may ask for."""
    import tokenizers

    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file, expected a tokenizer.json")
    try:
        tokenizer = tokenizers.Tokenizer.from_str(plain(path.read_text(encoding="utf-8"), tokens))
    except Exception as error:  # the library raises bare Exception
        raise ValueError(f"{path}: not a tokenizer.json of the tokenizers library ({error})") from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.encode_special_tokens = True  # somebody's "</s>" is text and ends nothing
    add(tokenizer, tokens)
    return tokenizer


def plain(file: str, tokens: Sequence[str]) -> str:
    """A `tokenizer.json` in which none of these tokens is special: special ones are not found in a text."""
    if not tokens:
        return file
    content, wanted = json.loads(file), set(tokens)
    for token in content.get("added_tokens", ()):
        token["special"] = token["special"] and token["content"] not in wanted
    return json.dumps(content)


def extra(locations: int, sentinels: int) -> list[str]:
    """Whole tokens for places in a picture, <loc0000> and on, and for gaps in a text, <extra_id_0> and on."""
    return [f"<loc{number:04}>" for number in range(locations)] + [
        f"<extra_id_{number}>" for number in range(sentinels)
    ]


def without(texts: Iterable[str], tokens: Sequence[str]) -> Iterator[str]:
    """The texts without these tokens, which are no words to be learnt from them."""
    found = re.compile("|".join(map(re.escape, tokens)) or r"(?!)")
    return (found.sub(" ", text) for text in texts)


def add(tokenizer: tokenizers.Tokenizer, tokens: Sequence[str]) -> None:
    """Append whole tokens to a trained tokenizer: their ids follow those of its words."""
    import tokenizers

    tokenizer.add_tokens([tokenizers.AddedToken(token, normalized=False) for token in tokens])


def once(path: Path, write: Callable[[Path], object]) -> Path:
    """`path`, made by `write(temporary path)` if it is absent: never half there, even when two runs race."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        os.close(handle)
        try:
            write(Path(name))
            os.chmod(name, 0o644)
            os.replace(name, path)
        finally:
            Path(name).unlink(missing_ok=True)
    return path
