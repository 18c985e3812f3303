"""Modalities read a memory of texts that are known beforehand, such as a sentence about each class.

M = [mean over tokens of encoder(text n)] for n = 1..N,  y = x + W attention(norm(x), norm(M))

A key-value memory (Miller et al. 2016, arXiv 1606.03126) whose entries are written in the config. They are encoded once
for a whole batch, and all readers look them up alike: another memory with other `readers` does so otherwise.
"""

from typing import Any, Self

import jax
import numpy as np
from einops import rearrange
from flax import linen as nn

from mmjax.core.tokens import Modalities, Tokens, in_order, join, part
from mmjax.nn import masks, pool
from mmjax.nn.attend import attend
from mmjax.nn.attention import attention_weights
from mmjax.nn.checks import check_sizes
from mmjax.nn.dense import Dense
from mmjax.nn.layer_norm import LayerNorm
from mmjax.nn.sized import head_dim


class TextMemory(nn.Module):
    """Modalities [B, L_m, D] to the same; what each token of the readers reads leaves as the map `texts` [B, H, L, N].

    Args:
        order: the modalities.
        encoder: ids [N, S] with mask [N, S] to Tokens [N, S, E], as encoders of texts do; to `mmjax import bert`,
            --into=interactions_0/encoder.
        texts: what is known, N texts. Words that the data does not have read as unknown.
        readers: those of the modalities that read; None: all. The others stay as they are.
        ends: puts around a text what the tokenizer's file says, as `data.modality.text` does.
        ids: of the texts' tokens; a task that is bound makes them of its data's words, whatever stands here.
    """

    order: tuple[str, ...]
    encoder: nn.Module
    texts: tuple[str, ...]
    heads: int = 4
    readers: tuple[str, ...] | None = None
    ends: bool = False
    ids: tuple[tuple[int, ...], ...] = ()

    def __post_init__(self):
        super().__post_init__()
        check_sizes(self)
        if not self.texts:
            raise ValueError("texts is (); expected at least one, such as a sentence about each class")
        strange = sorted(set(self.readers or ()) - set(self.order))
        if self.readers == () or strange:
            raise ValueError(f"readers is {self.readers}; expected some of {', '.join(self.order)}, or None for all")
        if len(self.ids) not in (0, len(self.texts)) or not all(self.ids):
            raise ValueError(f"ids are of {len(self.ids)} texts, but there are {len(self.texts)}; leave them out")

    def knowing(self, vocabulary: Any) -> Self:
        """The same with the ids of its texts by what the data knows, a vocabulary in `words`.

        Raises:
            ValueError: the data has no words, more of them than the encoder has, or none of those of a text.
        """
        words, vocab = getattr(vocabulary, "words", None), getattr(self.encoder, "vocab", None)
        if words is None:
            raise ValueError(
                f"it has {len(self.texts)} texts, but the data has no words to read them by; give the data a "
                "data.modality.text with a data.tokenizer, or leave interaction.text_memory out"
            )
        if vocab is not None and words.size > vocab:
            raise ValueError(
                f"the tokenizer's size is {words.size} and encoder.vocab {vocab}; raise it, or make data.tokenizer "
                "smaller"
            )
        return self.clone(ids=tuple(self._ids(text, words) for text in self.texts))

    def _ids(self, text: str, words: Any) -> tuple[int, ...]:
        ids = words.encode(text)
        if all(one == words.unk for one in ids):
            raise ValueError(
                f"the data's words have nothing of the text {text!r:.60}; say it in words of the training texts, or "
                "leave it out"
            )
        before, after = words.ends if self.ends else ((), ())
        if self.ends and not before and not after:
            raise ValueError(
                "the tokenizer puts nothing around a text: leave out ends, or take the encoder's own tokenizer"
            )
        return (*before, *ids, *after)

    @nn.compact
    def __call__(self, modalities: Modalities, *, train: bool) -> dict[str, Tokens]:
        tokens = {n: one.cleared() for n, one in zip(self.order, in_order(modalities, self.order), strict=True)}
        readers = self.order if self.readers is None else self.readers
        reading = {name: tokens[name] for name in readers}
        joined = join(reading, readers)
        told = self._told(joined.x, self._memory(train))
        return tokens | part(joined.replace(x=joined.x + told.astype(joined.x.dtype)), reading, readers)

    def _told(self, x: jax.Array, memory: Tokens) -> jax.Array:
        """What tokens x [B, L, D] read of a memory [1, N, E], [B, L, D]."""
        rows, _, dim = x.shape
        width, kept = head_dim(dim, self.heads), LayerNorm(name="memory_norm")(memory.x)
        query, key, value = (
            rearrange(Dense(dim, use_bias=False, name=name)(one), "b l (h k) -> b h l k", k=width)
            for name, one in (("query", LayerNorm(name="norm")(x)), ("key", kept), ("value", kept))
        )
        # The memory is one for all rows: their tokens ask it as if they were of one.
        query, mask, scale = rearrange(query, "b h l k -> 1 h (b l) k"), masks.keys(memory.mask), width**-0.5
        if self.is_mutable_collection("maps"):
            weights = attention_weights(query, key, mask, None, scale)
            self.sow("maps", "texts", rearrange(weights, "1 h (b l) n -> b h l n", b=rows))
        read = rearrange(attend(query, key, value, mask, None, scale), "1 h (b l) k -> b l (h k)", b=rows)
        return Dense(dim, use_bias=False, name="out")(read)

    def _memory(self, train: bool) -> Tokens:
        """[1, N, E], a token for each text."""
        if not self.ids and not self.is_initializing():  # shapes are the same for any ids
            raise ValueError("its texts have no ids yet; bind the task to its data, or give ids")
        ids = self.ids or ((),) * len(self.texts)
        length = max(1, *map(len, ids))
        mask = np.array([np.arange(length) < len(one) for one in ids])
        values = np.zeros(mask.shape, np.int32)
        values[mask] = [token for one in ids for token in one]
        pooled = pool.mean(self.encoder(values, mask, train=train))
        return Tokens.of(*(rearrange(one, "n 1 ... -> 1 n ...") for one in (pooled.x, pooled.mask)))
