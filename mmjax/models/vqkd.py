"""Patches as codes, of which a teacher's features or the pixels can be told (VQ-KD: arXiv 2208.06366).

z = u(W2 tanh(W1 encoder(picture))),   y = W4 tanh(W3 decoder(W z + position)),   u(x) = x / |x|
"""

import jax
import jax.numpy as jnp
from einops import rearrange
from flax import linen as nn

from mmjax.core.partition import constrain_batch
from mmjax.core.precision import computing
from mmjax.core.tokens import Tokens
from mmjax.core.unit import unit
from mmjax.nn.dense import Dense
from mmjax.nn.pixels import centred


class Vqkd(nn.Module):
    """Pictures [B, H, W, C] in 0..255 with mask [B] to vectors of patches, and vectors to what is told of each patch.

    Args:
        encoder: pictures to Tokens [B, L, D], such as `encoders.vit`.
        decoder: Tokens [B, L, D] to the same, such as `nn.transformer` of one to three layers.
        position: where each patch stands, such as `nn.table_position`.
        teacher: pictures to Tokens [B, L, T], which are told; what it knows comes by `train.init_from`, and it is
            not trained: freeze it by optim.groups. None: pixels are told.
        patch: pixels a side of a patch, where pixels are told.
        dim: of vectors and codes.
    """

    encoder: nn.Module
    decoder: nn.Module
    position: nn.Module
    teacher: nn.Module | None = None
    patch: int | None = None
    dim: int = 32

    def __post_init__(self):
        super().__post_init__()
        if (self.teacher is None) == (self.patch is None):
            raise ValueError(f"teacher is {type(self.teacher).__name__} and patch {self.patch}; expected one of both")

    def setup(self):
        width = self.encoder.dim
        told = self.teacher.dim if self.patch is None else 3 * self.patch**2
        self.down = [Dense(width), Dense(self.dim)]
        self.up = Dense(width)
        self.out = [Dense(width), Dense(told)]

    def __call__(self, image: jax.Array, mask: jax.Array, *, train: bool) -> tuple[jax.Array, jax.Array]:
        """(what is told without codes, what is to be told), both [B, L, T]: with this parameters are made."""
        z = self.encode(image, mask, train=train)
        return self.decode(z, mask, train=train), self.target(image, mask)

    def encode(self, image: jax.Array, mask: jax.Array, *, train: bool) -> jax.Array:
        """z [B, L, dim] fp32 of length 1."""
        x = constrain_batch(self.encoder(image, mask, train=train).x)
        first, last = self.down
        return unit(last(jnp.tanh(first(x))))

    def decode(self, z: jax.Array, mask: jax.Array, *, train: bool) -> jax.Array:
        """[B, L, T] fp32 of vectors or codes [B, L, dim]."""
        first, last = self.out
        x = self.position(self.up(z.astype(computing(self))))
        real = jnp.broadcast_to(mask[:, None], x.shape[:2])
        x = self.decoder(Tokens.of(x, real), train=train).x
        return last(jnp.tanh(first(x))).astype(jnp.float32)

    def target(self, image: jax.Array, mask: jax.Array) -> jax.Array:
        """[B, L, T] fp32: the teacher's features, or pixels in -1..1, of which no gradient is taken."""
        if self.teacher is not None:
            found = self.teacher(image, mask, train=False).x
        else:
            sides = dict(p=self.patch, q=self.patch)
            found = rearrange(centred(image, mask), "b (h p) (w q) c -> b (h w) (p q c)", **sides)
        return jax.lax.stop_gradient(found.astype(jnp.float32))
