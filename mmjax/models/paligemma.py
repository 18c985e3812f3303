"""PaliGemma: a ViT's tokens before the text of a decoder-only transformer (Beyer et al. 2024, arXiv 2407.07726).

p(target | image, text) = decoder([project(vit(image)); BOS; embed(text); SEP; embed(target)])

Pictures, text and separator see each other, targets what stands before them. The projection starts at zero.
"""

from typing import Any

import jax
import jax.numpy as jnp
from einops import rearrange, repeat
from flax import linen as nn

from mmjax.core.partition import constrain_batch
from mmjax.core.tokens import Tokens
from mmjax.decode.gemma_decoder import GemmaDecoder
from mmjax.models.writer import Writer
from mmjax.nn.dense import Dense


class Paligemma(Writer):
    """B pictures with Q texts each: image [B, H, W, C], text [B, Q, L], target [B, Q, T] to logits [B, Q, T, V].

    With several pictures an example, image is [B, N, H, W, C] and image_mask [B, N]. `bos` and `separator` are the
    tokens that stand before and after the text; with Gemma's tokenizer 2 (<bos>) and 108 (a line feed).
    """

    vocab: int
    dim: int
    image: nn.Module
    decoder: GemmaDecoder
    bos: int
    separator: int

    def __post_init__(self):
        super().__post_init__()
        for name in ("bos", "separator"):
            if not 0 <= getattr(self, name) < self.vocab:
                raise ValueError(f"{name} is {getattr(self, name)}; expected a token of the vocab of {self.vocab}")

    def setup(self):
        self.project = Dense(self.dim, kernel_init=nn.initializers.zeros)
        # The embeddings make the logits too; what is read of them is brought to a variance of 1 by `_embedded`.
        self.embed = nn.Embed(self.vocab, self.dim, embedding_init=nn.initializers.normal(self.dim**-0.5))

    def hidden(self, batch: dict[str, jax.Array], *, train: bool) -> jax.Array:
        """What the logits of each target are made of [B, Q, T, dim]."""
        memory = self.encode(batch, train=train)
        target = rearrange(batch["target"], "b q t -> (b q) t")[:, :-1]
        mask = rearrange(batch["target_mask"], "b q t -> (b q) t")[:, :-1]
        x = self.decoder(memory, self._embedded(target), mask, train=train)
        return rearrange(x, "(b q) t d -> b q t d", b=len(batch["target"]))

    def kernel(self) -> jax.Array:
        """The matrix [dim, V] that makes logits of what `hidden` gives."""
        return self.embed.embedding.T

    def encode(self, batch: dict[str, jax.Array], *, train: bool) -> Tokens:
        """What stands before a target, embedded [B * Q, L' + 1 + L + 1, dim]: pictures, BOS, text, separator."""
        questions = batch["text"].shape[1]
        picture = self.image(batch["image"], batch["image_mask"], train=train)
        picture = picture.replace(x=self.project(picture.x))
        picture = jax.tree.map(lambda leaf: repeat(leaf, "b ... -> (b q) ...", q=questions), picture)
        text, mask = (rearrange(batch[name], "b q l -> (b q) l") for name in ("text", "text_mask"))
        framed = jnp.pad(text, ((0, 0), (1, 1)), constant_values=((0, 0), (self.bos, self.separator)))
        x = jnp.concatenate([picture.x, self._embedded(framed)], axis=1)
        mask = jnp.concatenate([picture.mask, jnp.pad(mask, ((0, 0), (1, 1)), constant_values=True)], axis=1)
        return Tokens.of(constrain_batch(x), mask)

    def begin(self, memory: Tokens, length: int) -> tuple[dict[str, Any], jax.Array]:
        """A cache for `length` tokens and the logits [B * Q, V] of the first one."""
        cache, x = self.decoder.begin(memory, length)
        return cache, self.logits(x[:, 0])

    def _embedded(self, tokens: jax.Array) -> jax.Array:
        return self.embed(tokens) * self.dim**0.5
