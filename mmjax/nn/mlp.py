"""The feed-forward of a transformer: W2 gelu(W1 x + b1) + b2 (Vaswani et al. 2017; GELU: arXiv 1606.08415)."""

from collections.abc import Callable

import jax
from flax import linen as nn

from mmjax.nn.dense import Dense
from mmjax.nn.gelu import exact_gelu, gelu


class Mlp(nn.Module):
    """x [..., D] to [..., D] through `hidden` units. `approximate` takes the tanh form of GELU.

    `norm` stands before the last map (sub-LN: Wang et al. 2022, arXiv 2210.06423); `start` says of each map, "up" and
    "down", how its kernel starts.
    """

    hidden: int
    approximate: bool = True
    norm: Callable[..., nn.Module] | None = None
    start: Callable[[str], nn.initializers.Initializer] | None = None

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        inner = self._map("up", self.hidden)(x)
        inner = (gelu if self.approximate else exact_gelu)(inner)
        if self.norm is not None:
            inner = self.norm(name="down_norm")(inner)
        return self._map("down", x.shape[-1])(inner)

    def _map(self, name: str, width: int) -> nn.Module:
        begins = nn.initializers.lecun_normal() if self.start is None else self.start(name)
        return Dense(width, kernel_init=begins, name=name)
