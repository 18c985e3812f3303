"""Layers one after the other, as a loop or as `scan` with rematerialisation, with convertible parameters.

The loop compiles each layer by itself (fast steps, slow compilation, all activations kept); the scan compiles one layer
whose parameters have a leading axis [layers] and keeps one activation a layer.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from mmjax.core import paths
from mmjax.nn.block import chosen


class Stack(nn.Module):
    """`layers` blocks `block(**fields)(x, cache, *shared) -> (x, cache)`.

    The cache of a layer is a dict, of which a block gives back the entries that it changed. The caches of all layers
    are a tuple of them in a loop, so that none is copied when another one changes, and one dict with a leading axis
    [layers] in a scan; None where there is no cache.
    """

    block: Callable[..., nn.Module]
    layers: int
    scan: bool = False

    @nn.compact
    def __call__(self, x: jax.Array, cache: Any, *shared: Any, train: bool) -> tuple[jax.Array, Any]:
        if self.scan:
            return self._scanned(x, cache, shared, train)
        caches = []
        for i, here in enumerate([None] * self.layers if cache is None else cache):
            x, changed = self.block(train=train, name=f"layers_{i}")(x, here, *shared)
            caches.append(cache if cache is None else {**here, **changed})
        return x, cache if cache is None else tuple(caches)

    def caches(self, empty: Mapping[str, Any]) -> Any:
        """The caches of all layers, each as the one given."""
        if self.scan:
            return jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (self.layers, *leaf.shape)), empty)
        return (empty,) * self.layers

    def pick(self, caches: Any, beams: jax.Array, same: Sequence[str] = ()) -> Any:
        """The caches of beams [B, W] of each row, see `block.chosen`; entries `same` are equal for all of a row's."""

        def one(cache: Mapping[str, Any]) -> dict[str, Any]:
            return {
                name: jax.tree.map(partial(chosen, beams=beams, axis=int(self.scan), same=name in same), entry)
                for name, entry in cache.items()
            }

        return one(caches) if self.scan else tuple(map(one, caches))

    def _scanned(self, x: jax.Array, cache: Any, shared: tuple[Any, ...], train: bool) -> tuple[jax.Array, Any]:
        def layer(block: nn.Module, x: jax.Array, cache: Any, *shared: Any):
            return block(x, cache, *shared)

        scanned = nn.scan(
            nn.remat(layer, prevent_cse=False),
            variable_axes={"params": 0, "maps": 0},
            split_rngs={"params": True, "dropout": True},
            in_axes=(0, *(nn.broadcast for _ in shared)),
            length=self.layers,
        )
        x, changed = scanned(self.block(train=train, name="layers"), x, cache, *shared)
        return x, cache if cache is None else {**cache, **changed}


def to_scan(params: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters with every stack in the loop form (`layers_0`, ...) to the scan form (`layers`, leading axis)."""
    found: dict[str, dict[int, jax.Array]] = {}
    out = {}
    for path, leaf in paths.flatten(params).items():
        index = paths.layer(path)
        if index is None:
            out[path] = leaf
        else:
            found.setdefault(paths.stack(path), {})[index] = leaf
    out |= {path: jnp.stack([leaves[i] for i in range(len(leaves))]) for path, leaves in found.items()}
    return paths.unflatten(out)


def to_loop(params: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters with every stack in the scan form to the loop form; the inverse of `to_scan`."""
    out = {}
    for path, leaf in paths.flatten(params).items():
        if paths.stacked(path):
            out |= {paths.at_layer(path, i): leaf[i] for i in range(len(leaf))}
        else:
            out[path] = leaf
    return paths.unflatten(out)
