"""Layers one after the other, as a loop or as `scan` with rematerialisation, with convertible parameters.

The loop compiles each layer by itself (fast steps, slow compilation, all activations kept); the scan compiles one layer
whose parameters have a leading axis [layers] and keeps one activation a layer.
"""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from mmjax.core import paths


class Stack(nn.Module):
    """`layers` blocks `block(**fields)(x, cache, *shared) -> (x, cache)`; caches lead with the axis [layers]."""

    block: Callable[..., nn.Module]
    layers: int
    scan: bool = False

    @nn.compact
    def __call__(self, x: jax.Array, cache: Any, *shared: Any, train: bool) -> tuple[jax.Array, Any]:
        if self.scan:
            return self._scanned(x, cache, shared, train)
        caches = []
        for i in range(self.layers):
            here = jax.tree.map(lambda leaf, i=i: leaf[i], cache)
            x, here = self.block(train=train, name=f"layers_{i}")(x, here, *shared)
            caches.append(here)
        return x, jax.tree.map(lambda *leaves: jnp.stack(leaves), *caches)

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
        return scanned(self.block(train=train, name="layers"), x, cache, *shared)


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
