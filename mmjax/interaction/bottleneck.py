"""Modalities that exchange through a few learned tokens alone (MBT: Nagrani et al. 2021, arXiv 2107.00135).

[x_m; z_m] <- block_m([x_m; z]) for each m, then z <- mean of z_m over the modalities that have a token; last norm
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from flax import linen as nn

from mmjax.core.tokens import Modalities, Tokens, in_order
from mmjax.nn import masks
from mmjax.nn.block import EncoderBlock
from mmjax.nn.checks import check_sizes
from mmjax.nn.layer_norm import LayerNorm
from mmjax.nn.sized import sized
from mmjax.nn.stack import Stack

Arrays = tuple[jax.Array, ...]


class Bottleneck(nn.Module):
    """Modalities [B, L_m, D] to the same, through `bottlenecks` tokens; `hidden` None is 4 D.

    It takes two layers or more: what one layer writes into the bottleneck, the next one reads.
    """

    order: tuple[str, ...]
    bottlenecks: int = 4
    layers: int = 2
    heads: int = 4
    hidden: int | None = None
    dropout: float = 0.0

    def __post_init__(self):
        super().__post_init__()
        check_sizes(self, "bottlenecks")
        if self.layers < 2:
            raise ValueError(f"layers is {self.layers}; expected at least 2: the first cannot read of others yet")

    @nn.compact
    def __call__(self, modalities: Modalities, *, train: bool) -> dict[str, Tokens]:
        tokens = [one.cleared() for one in in_order(modalities, self.order)]
        rows, _, dim = tokens[0].x.shape
        z = self.param("bottlenecks", nn.initializers.normal(0.02), (self.bottlenecks, dim))
        z = jnp.broadcast_to(z.astype(tokens[0].x.dtype), (rows, self.bottlenecks, dim))
        layer = partial(_Layer, self.order, sized(EncoderBlock, self, dim))
        x, real = tuple(one.x for one in tokens), tuple(one.mask for one in tokens)
        (x, _), _ = Stack(layer, self.layers, name="stack")((x, z), None, real, train=train)
        return {
            name: one.replace(x=LayerNorm(name=f"{name}_norm")(y))
            for name, one, y in zip(self.order, tokens, x, strict=True)
        }


class _Layer(nn.Module):
    order: tuple[str, ...]
    block: Callable[..., nn.Module]
    train: bool

    @nn.compact
    def __call__(self, given: tuple[Arrays, jax.Array], cache: None, real: Arrays):
        x, z = given
        own, shared = [], []
        for m, name in enumerate(self.order):
            seen = jnp.concatenate([real[m], jnp.ones(z.shape[:2], bool)], axis=1)
            both = jnp.concatenate([x[m], z], axis=1)
            both, _ = self.block(train=self.train, name=name)(both, None, masks.keys(seen), None)
            length = x[m].shape[1]
            own.append(both[:, :length])
            shared.append(both[:, length:])
        there = jnp.stack([one.any(1) for one in real])[..., None, None]  # [M, B, 1, 1]
        total = jnp.sum(jnp.where(there, jnp.stack(shared), 0), axis=0, dtype=jnp.float32)
        mean = total / jnp.maximum(jnp.sum(there, axis=0), 1)
        return (tuple(own), mean.astype(z.dtype)), cache
