"""A layer in which modalities attend together, and each is fed forward by weights of its own.

y_m = x_m + out_m(norm(what norm_m(x_m) reads of all modalities))
z_m = y_m + mlp_m(norm_m(y_m)),   in a joint layer, of an example that has every modality, by one mlp and norm for all

VLMo: Bao et al. 2021, arXiv 2111.02358; BEiT-3: Wang et al. 2022, arXiv 2208.10442.
"""

from collections.abc import Callable, Sequence
from functools import partial, reduce
from itertools import accumulate, pairwise
from operator import and_
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from mmjax.nn.attend import KeyValue
from mmjax.nn.attention import Attention
from mmjax.nn.block import written
from mmjax.nn.drop_path import drop_path

Arrays = tuple[jax.Array, ...]
Init = Callable[[str, jax.Array, int], nn.initializers.Initializer]


class MultiwayBlock(nn.Module):
    """x, a [B, L_m, D] for each of `names`, to the same; in the form that `nn.stack` takes.

    With `own` each modality has maps and norms of attention by itself, else all share them. `place` says which layer
    it is, from 1, and how often its branches are left out; `real` are masks [B, L_m], and `mask` [B, L, L] says which
    of all tokens, in the order of `names`, may see which.

    Tokens may come one part after the other, as far as no part sees a later one. With `room`, or where `place` holds
    keys and values of its `own` [B, H, S, K], those of x are kept there from `index` on; they stand after those of a
    `memory`, if there is one, and mask is [B, L, memory and S]. `beside` [B] then says which examples have in other
    parts the modalities that are not among `names`.
    """

    names: tuple[str, ...]
    attention: Callable[..., Attention]
    mlp: Callable[..., nn.Module]
    norm: Callable[..., nn.Module]
    own: bool
    joint: bool
    start: Init
    layers: int
    dropout: float
    train: bool
    room: int | None = None

    @nn.compact
    def __call__(
        self,
        x: Arrays,
        place: dict[str, Any],
        real: Arrays,
        mask: jax.Array,
        beside: jax.Array | None = None,
        index: jax.Array | None = None,
    ) -> tuple[Arrays, dict[str, Any]]:
        start = partial(self.start, layer=place["layer"], layers=self.layers)
        attention = partial(self.attention, dim=x[0].shape[-1], start=start)
        remember = partial(self._remembered, place, index)
        attended, kept = (self._each if self.own else self._shared)(x, attention, mask, remember)
        x = self._added(x, attended, place.get("drop_path"))
        fed = [self._fed(name, one, start) for name, one in zip(self.names, x, strict=True)]
        if self.joint and (len(x) > 1 or beside is not None):
            others = () if beside is None else (beside,)
            whole = reduce(and_, (*(jnp.any(one, axis=1) for one in real), *others))[:, None, None]
            together = self._parted(self._fed("joint", jnp.concatenate(x, axis=1), start), x)
            fed = [jnp.where(whole, *both) for both in zip(together, fed, strict=True)]
        return self._added(x, fed, place.get("drop_path")), kept

    def _remembered(
        self, place: dict[str, Any], index: jax.Array | None, new: KeyValue
    ) -> tuple[KeyValue | tuple[KeyValue, ...], dict[str, KeyValue]]:
        """What is seen besides what is new, and what is kept of it. Who writes does not copy a memory for each word."""
        if "own" in place:
            own = written(place["own"], new, index)
        elif self.room is not None:
            free = self.room - new[0].shape[2]
            own = jax.tree.map(lambda leaf: jnp.pad(leaf, ((0, 0), (0, 0), (0, free), (0, 0))), new)
        else:
            return new, {}
        if "memory" not in place:
            return own, {"own": own}
        if index is not None:
            return (place["memory"], own), {"own": own}
        return jax.tree.map(lambda *parts: jnp.concatenate(parts, axis=2), place["memory"], own), {"own": own}

    def _each(
        self, x: Arrays, attention: Callable[..., Attention], mask: jax.Array, remember: Callable[[KeyValue], Any]
    ) -> tuple[Sequence[jax.Array], dict[str, KeyValue]]:
        own = [attention(name=f"{name}_attention") for name in self.names]
        inner = [self.norm(name=f"{name}_attention_norm")(one) for name, one in zip(self.names, x, strict=True)]
        projected = [one.project(of) for one, of in zip(own, inner, strict=True)]
        seen, kept = remember(tuple(jnp.concatenate(parts, axis=2) for parts in zip(*projected, strict=True)))
        rows = [mask] * len(x) if mask.shape[1] == 1 else self._parted(mask, x)
        return [one(of, seen, may_see) for one, of, may_see in zip(own, inner, rows, strict=True)], kept

    def _shared(
        self, x: Arrays, attention: Callable[..., Attention], mask: jax.Array, remember: Callable[[KeyValue], Any]
    ) -> tuple[Sequence[jax.Array], dict[str, KeyValue]]:
        inner, shared = self.norm(name="attention_norm")(jnp.concatenate(x, axis=1)), attention(name="attention")
        seen, kept = remember(shared.project(inner))
        return self._parted(shared(inner, seen, mask), x), kept

    def _fed(self, name: str, x: jax.Array, start: Callable[[str], nn.initializers.Initializer]) -> jax.Array:
        return self.mlp(start=start, name=f"{name}_mlp")(self.norm(name=f"{name}_mlp_norm")(x))

    def _parted(self, joined: jax.Array, like: Arrays) -> list[jax.Array]:
        """[B, L, ...] cut to the lengths of the modalities."""
        ends = accumulate((one.shape[1] for one in like), initial=0)
        return [joined[:, start:end] for start, end in pairwise(ends)]

    def _added(self, x: Arrays, branches: Sequence[jax.Array], rate: jax.Array | None) -> Arrays:
        branches = [nn.Dropout(self.dropout, deterministic=not self.train)(one) for one in branches]
        if self.train and rate is not None:
            branches = drop_path(self.make_rng("dropout"), branches, rate)
        return tuple(one + branch for one, branch in zip(x, branches, strict=True))
