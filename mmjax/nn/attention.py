"""Multi-head attention over masked keys (Vaswani et al. 2017, arXiv 1706.03762).

softmax(q k' * scale + bias, over real keys) v

A query that may see no key at all gets zeros: what lies under a False mask changes nothing and gradients stay finite.
Heads stand before positions, [B, H, L, K], so that the products are plain batched matrix products.
"""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
from einops import rearrange
from flax import linen as nn

from mmjax.nn.attend import KeyValue, attend, attend_parts, scores
from mmjax.nn.dense import Dense
from mmjax.nn.rotary import rotate


def attention_weights(
    query: jax.Array, key: jax.Array, mask: jax.Array, bias: jax.Array | None, scale: float
) -> jax.Array:
    """Weights [B, H, L, S] in fp32, for who wants to see them; the arguments are those of `attend`."""
    weights = jax.nn.softmax(scores(query, key, mask, bias, scale), axis=-1)
    return jnp.where(rearrange(mask, "b l s -> b 1 l s"), weights, 0)


class Attention(nn.Module):
    """Queries from x [B, L, D] over the (key, value) that `project` made from a memory [B, S, D].

    `scale` None is K ** -0.5. T5 has scale 1 and folds K ** -0.5 into the initial query weights, as is done here.
    With `kv_heads` G < H, H / G queries share a key and a value (Ainslie et al. 2023, 2305.13245). `rotary` is the
    base of rotary positions (10,000 is usual); then `at` says where queries and keys stand, [B, L] or [1, L].
    `norm` stands before the last map (sub-LN: Wang et al. 2022, arXiv 2210.06423); `start` says of each
    map, by its name, how its kernel starts.
    """

    dim: int
    heads: int
    head_dim: int
    use_bias: bool = False
    scale: float | None = None
    kv_heads: int | None = None
    rotary: float | None = None
    norm: Callable[..., nn.Module] | None = None
    start: Callable[[str], nn.initializers.Initializer] | None = None

    def setup(self):
        groups = self.heads if self.kv_heads is None else self.kv_heads
        if self.heads % groups:
            raise ValueError(f"{self.heads} heads cannot share {groups} keys evenly; kv_heads must divide heads")
        self.query = self._map("query", self.heads * self.head_dim)
        self.key = self._map("key", groups * self.head_dim)
        self.value = self._map("value", groups * self.head_dim)
        self.out = self._map("out", self.dim)
        if self.norm is not None:
            self.out_norm = self.norm()

    def project(self, memory: jax.Array, at: jax.Array | None = None) -> KeyValue:
        """The key and value [B, G, S, K] of a memory [B, S, D] whose places are `at`."""
        return self._turned(self._heads(self.key(memory)), at), self._heads(self.value(memory))

    def __call__(
        self,
        x: jax.Array,
        seen: KeyValue | Sequence[KeyValue],
        mask: jax.Array,
        bias: jax.Array | None = None,
        at: jax.Array | None = None,
    ) -> jax.Array:
        """x [B, L, D] to [B, L, D]; `mask` broadcasts to [B, L, S] and `bias` to [B, H, L, S].

        What is seen may be in several parts, one after the other, without a bias, see `nn.attend.attend_parts`.
        """
        scale = self.head_dim**-0.5 if self.scale is None else self.scale
        query = self._turned(self._heads(self.query(x)), at)
        if isinstance(seen[0], tuple):
            attended = attend_parts(query, seen, mask, scale)
        else:
            if self.is_mutable_collection("maps"):
                self.sow("maps", "attention", attention_weights(query, seen[0], mask, bias, scale))
            attended = attend(query, *seen, mask, bias, scale)
        together = rearrange(attended, "b h l k -> b l (h k)")
        return self.out(together if self.norm is None else self.out_norm(together))

    def _map(self, name: str, width: int) -> nn.Module:
        folded = 1.0 if self.scale is None else 1.0 / self.head_dim
        usual = {"query": nn.initializers.variance_scaling(folded, "fan_in", "normal")}
        begins = usual.get(name, nn.initializers.lecun_normal()) if self.start is None else self.start(name)
        return Dense(width, use_bias=self.use_bias, kernel_init=begins)

    def _heads(self, x: jax.Array) -> jax.Array:
        return rearrange(x, "b l (h k) -> b h l k", k=self.head_dim)

    def _turned(self, x: jax.Array, at: jax.Array | None) -> jax.Array:
        return x if self.rotary is None else rotate(x, at, self.rotary)
