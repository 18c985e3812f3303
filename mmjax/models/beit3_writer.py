"""BEiT-3 writes: words that are hidden are told from a picture and the words before them (arXiv 2208.10442).

y = multiway([image; text; target]),   logits of a hidden word = W y + b          a picture sees itself alone, a word
                                                                                  the picture and the words before it

In training some words of the target are hidden. To write is to hide one word more after those that stand there, to tell
it and to put it into its place. Pictures and words that have been written are never looked at anew: of each layer their
keys and values are kept.
"""

from typing import Any

import jax
import jax.numpy as jnp
from einops import rearrange, repeat
from flax import linen as nn
from flax import struct

from mmjax.core.partition import constrain_batch
from mmjax.core.tokens import Tokens
from mmjax.models.compose import FORMS, check_form
from mmjax.nn import masks
from mmjax.nn.block import chosen
from mmjax.nn.logits import Logits

Cache = dict[str, Any]


@struct.dataclass
class Memory:
    """What stands before a target: each layer's keys and values of the pictures, and the text's tokens [B * Q, L]."""

    pictures: tuple[Any, ...]
    real: jax.Array  # [B * Q, S] of the pictures' tokens
    text: jax.Array
    text_mask: jax.Array

    @property
    def mask(self) -> jax.Array:
        """[B * Q, S + L], pictures first."""
        return jnp.concatenate([self.real, self.text_mask], axis=1)


class Beit3Writer(nn.Module):
    """B pictures with Q texts each: image [B, H, W, C], text [B, Q, L], target [B, Q, T] to logits [B, Q, T, V].

    Where the batch has target_seen [B, Q, T], a target in which words are hidden (`data.hide_words`), logits are those
    of what stands there, and only of hidden words do they tell anything. Else each place of the target is asked for by
    a hidden word of its own, which sees the target before it: what writing would ask for after these words.

    Args:
        encoders: "image", such as `encoders.patches`, and "text", which take `at`, such as `encoders.embedding`.
        interactions: those that can be read part by part, such as `interaction.multiway`; names are as in
            `models.beit3`, its head for words included, so that a run of it may be started from.
        vocab: how many words there are.
        mask: the token of a hidden word; `tasks.generate` takes the tokenizer's.
    """

    encoders: dict[str, nn.Module]
    interactions: tuple[nn.Module, ...]
    vocab: int
    mask: int | None = None

    def __post_init__(self):
        super().__post_init__()
        if set(self.encoders) != {"image", "text"}:
            raise ValueError(f"encoders has {', '.join(sorted(self.encoders))}; expected image and text")
        if self.encoders["text"].vocab != self.vocab:
            raise ValueError(
                f"vocab is {self.vocab} and encoders.text.vocab {self.encoders['text'].vocab}; make them equal"
            )
        for part in self.encoders.values():
            check_form("encoders", part, *FORMS["encoders"])
        for part in self.interactions:
            check_form("interactions", part, *FORMS["interactions"])
            if not all(hasattr(part, name) for name in ("begin", "step", "pick")):
                raise ValueError(f"{type(part).__name__} cannot be read part by part; take interaction.multiway")

    def setup(self):
        self.heads = {"text": Logits(self.encoders["text"].dim, self.vocab)}

    def knowing(self, vocabulary: Any) -> "Beit3Writer":
        """The same model with the token that a tokenizer has for a hidden word; ValueError where it has none."""
        return self.clone(mask=vocabulary.mask)

    def __call__(self, batch: dict[str, jax.Array], *, train: bool) -> jax.Array:
        return self.heads["text"](self._told(batch, train))

    def hidden(self, batch: dict[str, jax.Array], *, train: bool) -> jax.Array:
        """What the logits of each place of the target are made of [B, Q, T, dim + 1]."""
        return self.heads["text"].whole(self._told(batch, train))

    def kernel(self) -> jax.Array:
        """The matrix [dim + 1, V] that makes logits of what `hidden` gives."""
        return self.heads["text"].matrix()

    def encode(self, batch: dict[str, jax.Array], *, train: bool) -> Memory:
        """What stands before a target; each picture is looked at once for all its texts."""
        pictures = self._pictures(batch, train)
        count = batch["text"].shape[1]
        text, text_mask = (rearrange(batch[name], "b q l -> (b q) l") for name in ("text", "text_mask"))
        if self.is_initializing():  # parameters are those of both
            tokens = self.encoders["text"](text[::count], text_mask[::count], train=train)
            both = {"image": pictures, "text": tokens}
            for part in self.interactions:
                both = part(both, train=train)
        given, caches = {"image": pictures}, []
        for part in self.interactions:
            # A text is there or comes.
            room, sees = pictures.mask.shape[1], masks.keys(pictures.mask)
            given, cache = part.begin(given, room, sees, jnp.ones(len(pictures.mask), bool), train=train)
            each = jnp.zeros((len(pictures.mask), count), jnp.int32)
            caches.append(cache if count == 1 else part.pick(cache, each))
        return Memory(tuple(caches), repeat(pictures.mask, "b s -> (b q) s", q=count), text, text_mask)

    def begin(self, memory: Memory, length: int) -> tuple[Cache, jax.Array]:
        """A cache for `length` words and the logits [B * Q, V] of the first one."""
        rows, texts = memory.text.shape
        self.check_length(texts + length)
        values = jnp.concatenate([memory.text, jnp.full((rows, 1), self._asks)], axis=1)
        behind = jnp.sum(memory.text_mask, axis=1, dtype=jnp.int32)
        at = jnp.concatenate([masks.places(memory.text_mask), behind[:, None]], axis=1)
        real = jnp.pad(memory.text_mask, ((0, 0), (0, length)), constant_values=True)
        seen, before = jnp.concatenate([memory.real, real], axis=1), memory.real.shape[1]
        sees = masks.prefix(seen.shape[1], before)[:, before : before + texts + 1] & masks.keys(seen)
        x, layers = self._read(memory, values, real[:, : texts + 1], at, sees, texts + length, train=False)
        cache = {"layers": layers, "seen": seen, "next": behind, "pictured": jnp.any(memory.real, axis=1)}
        places = {"index": texts, "before": before}
        return cache | {name: jnp.asarray(place, jnp.int32) for name, place in places.items()}, self._last(x)

    def step(self, cache: Cache, token: jax.Array) -> tuple[Cache, jax.Array]:
        """The cache after a word [B * Q] and the logits [B * Q, V] of the next one.

        The word comes where a hidden one had asked for it, and another hidden one after it.
        """
        values = jnp.stack([token, jnp.full_like(token, self._asks)], axis=1)
        at = cache["next"][:, None] + jnp.arange(2)
        real, seen = jnp.ones(values.shape, bool), cache["seen"]
        sees = masks.until(seen.shape[1], cache["before"] + cache["index"], rows=2) & masks.keys(seen)
        given, layers = {"text": self.encoders["text"](values, real, train=False, at=at)}, []
        for part, one in zip(self.interactions, cache["layers"], strict=True):
            one, given = part.step(one, given, cache["index"], sees, cache["pictured"])
            layers.append(one)
        cache = cache | {name: cache[name] + 1 for name in ("index", "next")}
        return cache | {"layers": tuple(layers)}, self._last(given["text"].x)

    def pick(self, cache: Cache, beams: jax.Array) -> Cache:
        """The cache of beams [B * Q, W] of each row, which are counted within it; pictures and texts are the same."""
        same = {name: chosen(cache[name], beams, same=True) for name in ("seen", "next", "pictured")}
        layers = tuple(part.pick(one, beams) for part, one in zip(self.interactions, cache["layers"], strict=True))
        return {**cache, **same, "layers": layers}

    def looked(self, maps: dict[str, Any], memory: Memory, batch: dict[str, jax.Array]) -> jax.Array:
        """How much each place of the target looked at the patches of the picture [B * Q, T, h w].

        `maps` is what a call without hidden words has left.
        """
        leaves = [leaf for name in maps if name.startswith("interactions_") for leaf in jax.tree.leaves(maps[name])]
        width = max(leaf.shape[-1] for leaf in leaves)  # pictures, which are read first, see fewer
        found = [leaf.mean(axis=tuple(range(leaf.ndim - 4))) for leaf in leaves if leaf.shape[-1] == width]
        found = jnp.mean(jnp.stack(found), axis=(0, 2))[:, -batch["target"].shape[-1] :]
        return found[:, :, 1 : memory.real.shape[1]]  # the first is of no patch

    def _pictures(self, batch: dict[str, jax.Array], train: bool) -> Tokens:
        """Tokens of the pictures, before these have met."""
        tokens = self.encoders["image"](batch["image"], batch["image_mask"], train=train)
        return tokens.replace(x=constrain_batch(tokens.x))

    def _told(self, batch: dict[str, jax.Array], train: bool) -> jax.Array:
        """What stands at each place of the target [B, Q, T, dim], or at the hidden word that asks for it."""
        memory, asks = self.encode(batch, train=train), "target_seen" not in batch
        words = rearrange(batch["target" if asks else "target_seen"], "b q t -> (b q) t")
        there = rearrange(batch["target_mask"], "b q t -> (b q) t")
        length, (texts, before) = words.shape[1], (memory.text.shape[1], memory.real.shape[1])
        self.check_length(texts + length)
        at = jnp.sum(memory.text_mask, axis=1, dtype=jnp.int32)[:, None] + jnp.arange(length)
        parts = [(memory.text, memory.text_mask, masks.places(memory.text_mask)), (words, there, at)]
        if asks:
            parts.append((jnp.full_like(words, self._asks), jnp.ones_like(there), at))
        values, real, at = (jnp.concatenate(each, axis=1) for each in zip(*parts, strict=True))
        upto = before + texts + length
        sees = masks.asked(upto, before, length) if asks else masks.prefix(upto, before)
        sees = sees[:, before:] & masks.keys(jnp.concatenate([memory.real, real], axis=1))
        x, _ = self._read(memory, values, real, at, sees, values.shape[1], train=train)
        return rearrange(x[:, -length:], "(b q) t d -> b q t d", b=len(batch["text"]))

    def _read(
        self,
        memory: Memory,
        values: jax.Array,
        real: jax.Array,
        at: jax.Array,
        sees: jax.Array,
        room: int,
        *,
        train: bool,
    ) -> tuple[jax.Array, tuple[Any, ...]]:
        """Words after the pictures [B * Q, L, dim], and what is kept of `room` of them."""
        tokens = self.encoders["text"](values, real, train=train, at=at)
        given, caches = {"text": tokens.replace(x=constrain_batch(tokens.x))}, []
        pictured = jnp.any(memory.real, axis=1)
        for part, pictures in zip(self.interactions, memory.pictures, strict=True):
            given, cache = part.begin(given, room, sees, pictured, train=train, memory=pictures)
            caches.append(cache)
        return given["text"].x, tuple(caches)

    def _last(self, x: jax.Array) -> jax.Array:
        return self.heads["text"](x[:, -1])

    @property
    def _asks(self) -> int:
        """The token that asks for a word; parameters are made before it is known."""
        if self.mask is None and self.is_initializing():
            return 0
        if self.mask is None:
            raise ValueError("mask is None: which token stands for a hidden word? tasks.generate takes the tokenizer's")
        return self.mask

    def check_length(self, length: int) -> None:
        """Raise ValueError where more words may come than there are places."""
        most = getattr(self.encoders["text"].position, "length", length)
        if length > most:
            raise ValueError(
                f"there are positions for {most} words, but texts and targets have room for {length}; raise "
                "encoders.text.position.length, or lower data.text_length, data.target_length and task.length"
            )
