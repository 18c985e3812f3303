"""What models that write text have in common: logits of what they made of a place, and a cache that is read on."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn


class Writer(nn.Module):
    """A model with `hidden`, `encode`, `kernel`, `begin`, a `decoder`, and `_embedded` and `_last` for its tokens."""

    def __call__(self, batch: dict[str, jax.Array], *, train: bool) -> jax.Array:
        """Teacher-forced logits [B, Q, T, V]; position t has seen the targets before t."""
        return self.logits(self.hidden(batch, train=train))

    def logits(self, x: jax.Array) -> jax.Array:
        """x [..., dim] to [..., V], in fp32 whatever x is: the loss and the choice of a token need the digits."""
        return jnp.einsum("...d,dv->...v", x, self.kernel(), preferred_element_type=jnp.float32)

    def step(self, cache: dict[str, Any], token: jax.Array) -> tuple[dict[str, Any], jax.Array]:
        """The cache after a token [B * Q] and the logits [B * Q, V] of the next one."""
        cache, x = self.decoder.step(cache, self._embedded(token[:, None]))
        return cache, self.logits(self._last(x[:, 0]))

    def pick(self, cache: dict[str, Any], beams: jax.Array) -> dict[str, Any]:
        """The cache of beams [B * Q, W] of each row, which are counted within it."""
        return self.decoder.pick(cache, beams)

    def _embedded(self, tokens: jax.Array) -> jax.Array:
        return self.embed(tokens)

    def _last(self, x: jax.Array) -> jax.Array:
        return x
