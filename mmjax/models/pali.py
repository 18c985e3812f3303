"""PaLI: a ViT and a T5-style encoder-decoder, every task as text from pictures and text (Chen et al. 2023, 2209.06794).

p(target | image, text) = decoder(encoder([project(vit(image)); embed(text)]))

The picture's tokens are not pooled and stand before the text's; each picture is encoded once for all its questions.
"""

from typing import Any

import jax
import jax.numpy as jnp
from einops import rearrange, repeat
from flax import linen as nn

from mmjax.core.partition import constrain_batch
from mmjax.core.tokens import Tokens, join
from mmjax.decode.t5_decoder import T5Decoder
from mmjax.models.writer import Writer
from mmjax.nn.dense import Dense
from mmjax.nn.t5_encoder import T5Encoder

ORDER = ("image", "text")


class Pali(Writer):
    """B pictures with Q texts each: image [B, H, W, C], text [B, Q, L], target [B, Q, T] to logits [B, Q, T, V].

    With several pictures an example, image is [B, N, H, W, C] and image_mask [B, N]. `start` is the token that decoding
    begins with; T5 takes the pad token. `tied`: the embeddings make the logits too, as in T5 1.0.
    """

    vocab: int
    dim: int
    image: nn.Module
    encoder: T5Encoder
    decoder: T5Decoder
    start: int = 0
    tied: bool = False

    def setup(self):
        self.project = Dense(self.dim)
        self.embed = nn.Embed(self.vocab, self.dim, embedding_init=nn.initializers.normal(1.0))
        if not self.tied:
            self.head = self.param("head", nn.initializers.lecun_normal(), (self.dim, self.vocab))

    def hidden(self, batch: dict[str, jax.Array], *, train: bool) -> jax.Array:
        """What the logits of each target are made of [B, Q, T, dim]."""
        memory = self.encode(batch, train=train)
        target = rearrange(batch["target"], "b q t -> (b q) t")
        mask = rearrange(batch["target_mask"], "b q t -> (b q) t")
        before = jnp.pad(target, ((0, 0), (1, 0)), constant_values=self.start)[:, :-1]
        x = self._last(self.decoder(memory, self.embed(before), mask, train=train))
        return rearrange(x, "(b q) t d -> b q t d", b=len(batch["target"]))

    def kernel(self) -> jax.Array:
        """The matrix [dim, V] that makes logits of what `hidden` gives."""
        return self.embed.embedding.T if self.tied else self.head

    def encode(self, batch: dict[str, jax.Array], *, train: bool) -> Tokens:
        """The memory [B * Q, L' + L, dim] that the decoder attends to, picture tokens first."""
        questions = batch["text"].shape[1]
        picture = self.image(batch["image"], batch["image_mask"], train=train)
        if batch["image"].ndim == 5:
            picture = missing_first(picture)
        picture = picture.replace(x=self.project(picture.x))
        picture = jax.tree.map(lambda leaf: repeat(leaf, "b ... -> (b q) ...", q=questions), picture)
        text = rearrange(batch["text"], "b q l -> (b q) l")
        text = Tokens.of(self.embed(text), rearrange(batch["text_mask"], "b q l -> (b q) l"))
        joined = join({"image": picture, "text": text}, ORDER)
        return self.encoder(joined.replace(x=constrain_batch(joined.x)), train=train)

    def begin(self, memory: Tokens, length: int) -> tuple[dict[str, Any], jax.Array]:
        """A cache for `length` tokens and the logits [B * Q, V] of the first one."""
        start = jnp.full((memory.x.shape[0], 1), self.start, jnp.int32)
        cache, x = self.decoder.begin(memory, self.embed(start), length)
        return cache, self.logits(self._last(x[:, 0]))

    def _last(self, x: jax.Array) -> jax.Array:
        # Embeddings have a variance of 1: as weights of the logits they would be dim ** 0.5 too large.
        return x * self.dim**-0.5 if self.tied else x


def missing_first(pictures: Tokens) -> Tokens:
    """The tokens of missing pictures moved before the others, which keep their order.

    Relative positions are counted over all tokens: between a picture and the text, missing ones would set them apart.
    """
    order = jnp.argsort(pictures.mask, axis=1, stable=True)
    mask = jnp.take_along_axis(pictures.mask, order, axis=1)
    return Tokens.of(jnp.take_along_axis(pictures.x, order[..., None], axis=1), mask)
