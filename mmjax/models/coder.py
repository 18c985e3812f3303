"""Codes of patches by a tokenizer that was trained before (`tasks.vqkd`): i = argmax_i z . e_i, nothing is learnt."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from mmjax.nn.checks import check_sizes
from mmjax.nn.quantizer import nearest


class Coder(nn.Module):
    """Pictures [B, H, W, C] in 0..255 with mask [B] to codes [B, L] int32, and where it tells pixels, back.

    `train.init_from` takes its `model` from the tokenizer's run, and `codes` from "extra/codebook/codes".

    Args:
        model: as it was trained, see `models.vqkd`.
        codes: how many there are.
        size: pixels a side that pictures are resized to, where its patches are others than those of who asks, and
            are to be as many.
    """

    model: nn.Module
    codes: int
    size: int | None = None

    def __post_init__(self):
        super().__post_init__()
        check_sizes(self, "size", "codes")
        if self.size is not None and self.model.patch is not None:
            raise ValueError(f"size is {self.size}, but the model tells pixels, which would be of another picture")

    def setup(self):
        self.table = self.param("codes", nn.initializers.normal(1.0), (self.codes, self.model.dim))

    def __call__(self, image: jax.Array, mask: jax.Array) -> jax.Array:
        if self.size is not None:
            image = jax.image.resize(image.astype(jnp.float32), (len(image), self.size, self.size, 3), "bilinear")
        ids = nearest(jax.lax.stop_gradient(self.table), self.model.encode(image, mask, train=False))
        if self.is_initializing() and self.model.patch is not None:
            self.pixels(ids, mask)
        return ids

    def pixels(self, ids: jax.Array, mask: jax.Array) -> jax.Array:
        """[B, L, p p 3] in -1..1 of codes [B, L], of a model that tells pixels."""
        return self.model.decode(jnp.take(self.table, ids, axis=0), mask, train=False)
