"""Modalities that attend together with feed-forwards of their own, layer by layer (BEiT-3: arXiv 2208.10442).

As published code has it, maps and norms of attention are each modality's own too, with sub-LN (arXiv 2210.06423). As
the paper has it, attention is shared and the last three of 40 layers feed image and text forward together:
shared=True, sub_norm=False, joint=3, start=DepthInit().
"""

from collections.abc import Mapping
from functools import partial
from operator import or_
from types import MappingProxyType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from mmjax.core.tokens import Modalities, Tokens, in_order
from mmjax.nn import masks
from mmjax.nn.attention import Attention
from mmjax.nn.checks import check_sizes
from mmjax.nn.layer_norm import LayerNorm
from mmjax.nn.mlp import Mlp
from mmjax.nn.multiway_block import Init, MultiwayBlock
from mmjax.nn.sized import head_dim
from mmjax.nn.stack import Stack
from mmjax.nn.sub_norm_init import SubNormInit


class Multiway(nn.Module):
    """Modalities [B, L_m, D] to the same, all of `order` or some of them; `hidden` None is 4 D.

    Parameters are those of the modalities that it is initialised with. A modality that an example lacks, and one that
    is not among those given, are the same.

    Args:
        shared: attention has the same maps and norm for all modalities; else each its own.
        sub_norm: a norm more before the last map of attention and feed-forward.
        joint: of so many last layers the feed-forward of an example that has all of `order` is one more, for all.
        drop_path: how often the last layer's branches are left out in training; it grows in equal steps from 0.
        end_norm: a norm after the last layer. Released finetunings on questions, and on pictures alone, have none.
        start: how kernels start, such as `nn.sub_norm_init`, `nn.depth_init`.
    """

    order: tuple[str, ...]
    layers: int = 2
    heads: int = 4
    hidden: int | None = None
    shared: bool = False
    sub_norm: bool = True
    joint: int = 0
    end_norm: bool = True
    start: Init = SubNormInit()
    dropout: float = 0.0
    drop_path: float = 0.0
    epsilon: float = 1e-5
    scan: bool = False

    def __post_init__(self):
        super().__post_init__()
        check_sizes(self)
        if not 0 <= self.drop_path < 1:
            raise ValueError(f"drop_path is {self.drop_path}; expected a share in [0, 1)")
        if not 0 <= self.joint <= self.layers:
            raise ValueError(f"joint is {self.joint}; expected 0 to {self.layers}, the number of layers")

    def __call__(self, modalities: Modalities, *, train: bool, mask: jax.Array | None = None) -> dict[str, Tokens]:
        """`mask` [B or 1, L, L] says which of all tokens, one modality after the other in order, may see which.

        Raises:
            ValueError: a modality that `order` does not name, or as `core.tokens.in_order`.
        """
        tokens = self._ordered(modalities)
        seen = masks.keys(jnp.concatenate([one.mask for one in tokens.values()], axis=1))
        return self._met(tokens, train, seen if mask is None else seen & mask)[0]

    def begin(
        self,
        modalities: Modalities,
        length: int,
        mask: jax.Array,
        beside: jax.Array,
        *,
        train: bool,
        memory: Any = None,
    ) -> tuple[dict[str, Tokens], Any]:
        """Those that come first of `length` tokens, and a cache for all of these; later ones are not seen by them.

        Args:
            modalities: L tokens in all, of some of the modalities.
            length: how many tokens there is room for.
            mask: [B or 1, L, S + length], which of a memory's S tokens and of these may be seen, and are real.
            beside: [B], whether an example has the other modalities, in a memory or still to come.
            memory: a cache of tokens that stand before.
        """
        before = {} if memory is None else {name: self._renamed(cache) for name, cache in memory.items()}
        return self._met(self._ordered(modalities), train, mask, before, beside, room=length)

    def step(
        self, cache: Any, modalities: Modalities, index: jax.Array, mask: jax.Array, beside: jax.Array
    ) -> tuple[Any, dict[str, Tokens]]:
        """The cache with the tokens that come at `index`, and what the layers make of them; else as `begin`."""
        found, cache = self._met(self._ordered(modalities), False, mask, cache, beside, index=index)
        return cache, found

    def pick(self, cache: Any, beams: jax.Array) -> Any:
        """The cache of beams [B, W] of each row, see `block.chosen`; they have one memory in common."""
        stack = Stack(None, 1, self.scan, parent=None)
        return {name: stack.pick(layers, beams, same=("memory",)) for name, layers in cache.items()}

    def _renamed(self, layers: Any) -> Any:
        """What was kept of tokens as the memory of those that follow."""
        kept = [{"memory": layer["own"]} for layer in ((layers,) if self.scan else layers)]
        return kept[0] if self.scan else tuple(kept)

    def _ordered(self, modalities: Modalities) -> dict[str, Tokens]:
        """Those of `order` that are given, with zeros for what is not real."""
        names = tuple(name for name in self.order if name in modalities) if modalities else self.order
        if len(set(self.order)) != len(self.order) or len(names) != len(modalities):
            names = self.order  # of which `in_order` tells what is wrong
        return {name: one.cleared() for name, one in zip(names, in_order(modalities, names), strict=True)}

    @nn.compact
    def _met(
        self,
        tokens: dict[str, Tokens],
        train: bool,
        mask: jax.Array,
        caches: Mapping[str, Any] = MappingProxyType({}),
        beside: jax.Array | None = None,
        index: jax.Array | None = None,
        room: int | None = None,
    ) -> tuple[dict[str, Tokens], dict[str, Any]]:
        """What the layers make of the tokens, and of each stack what is kept; see `nn.multiway_block`."""
        names = tuple(tokens)
        x, real = (tuple(getattr(one, part) for one in tokens.values()) for part in ("x", "mask"))
        places = {"layer": np.arange(1.0, self.layers + 1)}
        if self.drop_path:
            places["drop_path"] = np.linspace(0, self.drop_path, self.layers)
        done, kept = 0, {}
        for name, count in (("stack", self.layers - self.joint), ("joint_stack", self.joint)):
            if count:
                here = {key: values[done : done + count].astype(np.float32) for key, values in places.items()}
                joint = name == "joint_stack" and (names == self.order or beside is not None)
                stack = Stack(self._block(names, x[0].shape[-1], joint, room), count, self.scan, name=name)
                here = here if self.scan else _layers(here, count)
                if caches:
                    here = here | caches[name] if self.scan else tuple(map(or_, here, caches[name]))
                x, found = stack(x, here, real, mask, beside, index, train=train)
                kept[name] = _kept(found) if self.scan else tuple(map(_kept, found))
                done += count
        if not self.end_norm:
            return {name: tokens[name].replace(x=y) for name, y in zip(names, x, strict=True)}, kept
        norms = (
            dict.fromkeys(names, LayerNorm(self.epsilon, name="norm"))
            if self.shared
            else {name: LayerNorm(self.epsilon, name=f"{name}_norm") for name in names}
        )
        return {name: tokens[name].replace(x=norms[name](y)) for name, y in zip(names, x, strict=True)}, kept

    def _block(self, names: tuple[str, ...], dim: int, joint: bool, room: int | None) -> partial:
        norm = partial(LayerNorm, self.epsilon)
        inner = norm if self.sub_norm else None
        width = 4 * dim if self.hidden is None else self.hidden
        heads = dict(heads=self.heads, head_dim=head_dim(dim, self.heads))
        return partial(
            MultiwayBlock,
            names=names,
            attention=partial(Attention, **heads, use_bias=True, norm=inner),
            mlp=partial(Mlp, hidden=width, approximate=False, norm=inner),
            norm=norm,
            own=not self.shared,
            joint=joint,
            start=self.start,
            layers=self.layers,
            dropout=self.dropout,
            room=room,
        )


def _layers(places: dict[str, np.ndarray], count: int) -> tuple[dict[str, np.ndarray], ...]:
    return tuple({key: values[n] for key, values in places.items()} for n in range(count))


def _kept(layer: dict[str, Any]) -> dict[str, Any]:
    """Of what a layer was given and gives the keys and values."""
    return {name: layer[name] for name in ("own", "memory") if name in layer}
