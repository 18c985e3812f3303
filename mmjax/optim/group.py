"""What a group of parameters does differently, and what that means for each leaf.

multiplier(path, step) = rate * layer_decay ** (n - 1 - i) * min(1, (step + 1) / warmup) for layer i of n
Clark et al. 2020 (ELECTRA, arXiv 2003.10555); Bao et al. 2022 (BEiT, arXiv 2106.08254). A slow warm-up of the image
tower alone: Beyer et al. 2024 (PaliGemma, arXiv 2407.07726).
"""

import dataclasses
import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mmjax.core.paths import flatten, layer, map_paths, stacked

_DECAYS_NOT = re.compile("(bias|scale|embedding|table)$")


@dataclasses.dataclass(frozen=True)
class Group:
    """Multipliers of the learning rate and of the weight decay for the parameters that a rule names.

    `decay` None is 1, but 0 for what a pull towards zero does not suit: biases, scales of norms, embeddings and tables
    of positions.
    `layer_decay` d multiplies the rate of layer i of n by d ** (n - 1 - i): the top layer learns at the full
    rate. It does not touch parameters outside a stack of layers: give what lies below the stack (embeddings)
    a rule of its own with rate = d ** n. `warmup` is a linear rise over so many steps of the run, which multiplies
    the schedule (and what that has of a warm-up); 0: none. `frozen` parameters are not optimised and have no state.
    """

    rate: float = 1.0
    decay: float | None = None
    layer_decay: float | None = None
    warmup: int = 0
    frozen: bool = False

    def __post_init__(self) -> None:
        for name in ("rate", "decay"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise ValueError(f"{name} is {value}; expected a number of at least 0")
        if self.layer_decay is not None and not 0 < self.layer_decay <= 1:
            raise ValueError(f"layer_decay is {self.layer_decay}; expected a number in (0, 1], or None")
        if self.warmup < 0:
            raise ValueError(f"warmup is {self.warmup}; expected 0 or more steps")


def decays(groups: Mapping[str, Group], params: Mapping[str, Any]) -> dict[str, Any]:
    """The multiplier of the weight decay for each leaf: nested dicts of floats."""

    def leaf_decay(path: str, leaf: Any) -> float:
        asked = groups[path].decay
        return float(_DECAYS_NOT.search(path) is None) if asked is None else asked

    return map_paths(leaf_decay, params)


def rates(groups: Mapping[str, Group], params: Mapping[str, Any], step: jax.Array) -> dict[str, Any]:
    """The multiplier of the learning rate after `step` updates for each leaf: a number, or [layers, 1, ...] for stacks.

    The number of layers of a stack in loop form is taken from the leaves that are given.
    """
    depths = _depths(params)

    def leaf_rate(path: str, leaf: jax.Array) -> Any:
        rate, warmup = _rate(groups[path], path, leaf, depths), groups[path].warmup
        return rate * jnp.minimum(1.0, (step + 1) / warmup) if warmup else rate

    return map_paths(leaf_rate, params)


def _rate(group: Group, path: str, leaf: jax.Array, depths: Mapping[str, int]) -> float | np.ndarray:
    if group.layer_decay is None:
        return group.rate
    if stacked(path):
        n = leaf.shape[0]
        vector = group.rate * group.layer_decay ** np.arange(n - 1, -1, -1.0)
        return vector.astype(np.float32).reshape(n, *[1] * (leaf.ndim - 1))
    if (index := layer(path)) is None:
        return group.rate
    return group.rate * group.layer_decay ** (depths[_stack(path, index)] - 1 - index)


def _depths(params: Mapping[str, Any]) -> dict[str, int]:
    """The number of layers of each stack in loop form."""
    depths: dict[str, int] = defaultdict(int)
    for path in flatten(params):
        if (index := layer(path)) is not None:
            name = _stack(path, index)
            depths[name] = max(depths[name], index + 1)
    return depths


def _stack(path: str, index: int) -> str:
    """The components above `layers_<index>`. Full paths do not do: layers may differ in what they hold."""
    return f"/{path}/".partition(f"/layers_{index}/")[0]
