"""Logits of words: x W + b in fp32, whatever x is, since the loss and the choice of a token need the digits."""

import jax
import jax.numpy as jnp
from flax import linen as nn


class Logits(nn.Module):
    """x [..., dim] to [..., vocab]; parameters are called as those of a `nn.dense`."""

    dim: int
    vocab: int

    def setup(self):
        self.kernel = self.param("kernel", nn.initializers.lecun_normal(), (self.dim, self.vocab))
        self.bias = self.param("bias", nn.initializers.zeros, (self.vocab,))

    def __call__(self, x: jax.Array) -> jax.Array:
        return jnp.einsum("...d,dv->...v", x, self.kernel, preferred_element_type=jnp.float32) + self.bias

    def whole(self, x: jax.Array) -> jax.Array:
        """x [..., dim + 1] of which `matrix` makes the logits by itself."""
        return jnp.concatenate([x, jnp.ones_like(x[..., :1])], axis=-1)

    def matrix(self) -> jax.Array:
        """[dim + 1, vocab]: the kernel, and the bias as its last row."""
        return jnp.concatenate([self.kernel, self.bias[None]])
