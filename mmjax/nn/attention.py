"""Multi-head attention over masked keys (Vaswani et al. 2017, arXiv 1706.03762).

softmax(q k' * scale + bias, over real keys) v

A query that may see no key at all gets zeros: what lies under a False mask changes nothing and gradients stay finite.
"""

import jax
import jax.numpy as jnp
from einops import rearrange
from flax import linen as nn

KeyValue = tuple[jax.Array, jax.Array]


def attention_weights(
    query: jax.Array, key: jax.Array, mask: jax.Array, bias: jax.Array | None, scale: float
) -> jax.Array:
    """Weights [B, H, L, S] in fp32 from query [B, L, H, K] and key [B, S, H, K].

    `mask` broadcasts to [B, L, S], True = may be seen; `bias` broadcasts to [B, H, L, S].
    """
    logits = jnp.einsum("blhk,bshk->bhls", query, key, preferred_element_type=jnp.float32) * scale
    if bias is not None:
        logits = logits + bias.astype(jnp.float32)
    seen = rearrange(mask, "b l s -> b 1 l s")
    # Far below any logit yet finite, so that a row without keys has a gradient; its weights are cleared after.
    weights = jax.nn.softmax(jnp.where(seen, logits, 0.5 * jnp.finfo(jnp.float32).min), axis=-1)
    return jnp.where(seen, weights, 0)


class Attention(nn.Module):
    """Queries from x [B, L, D] over the (key, value) that `project` made from a memory [B, S, D].

    `scale` None is K ** -0.5. T5 has scale 1 and folds K ** -0.5 into the initial query weights, as is done here.
    """

    dim: int
    heads: int
    head_dim: int
    use_bias: bool = False
    scale: float | None = None

    def setup(self):
        folded = 1.0 if self.scale is None else 1.0 / self.head_dim
        query_init = nn.initializers.variance_scaling(folded, "fan_in", "normal")
        inner = self.heads * self.head_dim
        self.query = nn.Dense(inner, use_bias=self.use_bias, kernel_init=query_init)
        self.key = nn.Dense(inner, use_bias=self.use_bias)
        self.value = nn.Dense(inner, use_bias=self.use_bias)
        self.out = nn.Dense(self.dim, use_bias=self.use_bias)

    def project(self, memory: jax.Array) -> KeyValue:
        """The key and value [B, S, H, K] of a memory [B, S, D]."""
        return self._heads(self.key(memory)), self._heads(self.value(memory))

    def __call__(self, x: jax.Array, seen: KeyValue, mask: jax.Array, bias: jax.Array | None = None) -> jax.Array:
        """x [B, L, D] to [B, L, D]; `mask` broadcasts to [B, L, S] and `bias` to [B, H, L, S]."""
        key, value = seen
        scale = self.head_dim**-0.5 if self.scale is None else self.scale
        weights = attention_weights(self._heads(self.query(x)), key, mask, bias, scale)
        self.sow("maps", "attention", weights)
        attended = jnp.einsum("bhls,bshk->blhk", weights.astype(value.dtype), value)
        return self.out(rearrange(attended, "b l h k -> b l (h k)"))

    def _heads(self, x: jax.Array) -> jax.Array:
        return rearrange(x, "b l (h k) -> b l h k", h=self.heads)
