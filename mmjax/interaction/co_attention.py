"""Layers in which every modality attends to all the others as they are by then (ViLBERT: Lu et al. 2019, 1908.02265).

x_m <- x_m + attention(norm(x_m), norm([x_b for b other than m])), x_m <- x_m + mlp(norm(x_m)); a last norm
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from flax import linen as nn

from mmjax.core.tokens import Modalities, Tokens, in_order
from mmjax.nn import masks
from mmjax.nn.checks import check_sizes
from mmjax.nn.cross_block import CrossBlock
from mmjax.nn.layer_norm import LayerNorm
from mmjax.nn.sized import sized
from mmjax.nn.stack import Stack

Arrays = tuple[jax.Array, ...]


class CoAttention(nn.Module):
    """Modalities [B, L_m, D] to the same; `hidden` None is 4 D. A single modality stays as it is."""

    order: tuple[str, ...]
    layers: int = 2
    heads: int = 4
    hidden: int | None = None
    dropout: float = 0.0

    def __post_init__(self):
        super().__post_init__()
        check_sizes(self)

    @nn.compact
    def __call__(self, modalities: Modalities, *, train: bool) -> dict[str, Tokens]:
        tokens = [one.cleared() for one in in_order(modalities, self.order)]
        if len(tokens) == 1:
            return {self.order[0]: tokens[0]}
        layer = partial(_Layer, self.order, sized(CrossBlock, self, tokens[0].x.shape[-1]))
        x, real = tuple(one.x for one in tokens), tuple(one.mask for one in tokens)
        x, _ = Stack(layer, self.layers, name="stack")(x, None, real, train=train)
        return {
            name: one.replace(x=LayerNorm(name=f"{name}_norm")(y))
            for name, one, y in zip(self.order, tokens, x, strict=True)
        }


class _Layer(nn.Module):
    order: tuple[str, ...]
    block: Callable[..., nn.Module]
    train: bool

    @nn.compact
    def __call__(self, x: Arrays, cache: None, real: Arrays) -> tuple[Arrays, None]:
        found = []
        for m, name in enumerate(self.order):
            memory, seen = (jnp.concatenate([*every[:m], *every[m + 1 :]], axis=1) for every in (x, real))
            y, _ = self.block(train=self.train, name=name)(x[m], None, memory, masks.keys(seen))
            found.append(y)
        return tuple(found), cache
