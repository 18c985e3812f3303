"""A rule applied to each layer of a stack by itself.

Layers stacked by scan are one leaf [layers, ...]. A rule that looks at a whole leaf (Adafactor's root mean
squares and factors) would mix the layers; mapped over the leading axis it treats them like layers in a loop.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import jax
import optax

from mmjax.core.paths import flatten, merge, stacked, unflatten

SINGLE = "single"


def per_layer(rule: optax.GradientTransformation) -> optax.GradientTransformation:
    """The rule, mapped over the leading axis of leaves in the scan form; params are nested dicts.

    The state holds one state of the rule for the leaves outside stacks ("single") and a mapped one for the
    stacks of each height ("stacks_of_12"); below them lie the parameters' own paths.
    """

    def init(params: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: rule.init(part) if name == SINGLE else jax.vmap(rule.init)(part)
            for name, part in _parts(params).items()
        }

    def update(
        updates: Mapping[str, Any], state: Mapping[str, Any], params: Mapping[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        gradients, weights = _parts(updates), _parts(params)
        directions, kept = {}, {}
        for name, part in gradients.items():
            apply = rule.update if name == SINGLE else jax.vmap(rule.update)
            directions[name], kept[name] = apply(part, state[name], weights[name])
        return merge(*directions.values()), kept

    return optax.GradientTransformation(init, update)


def _parts(tree: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The leaves outside stacks, and those of stacks by height: vmap wants leading axes of one size."""
    parts: dict[str, dict[str, Any]] = defaultdict(dict)
    for path, leaf in flatten(tree).items():
        if stacked(path) and not leaf.ndim:
            raise ValueError(f"parameter {path!r} is a scalar; a stack of layers has a leading axis [layers]")
        parts[f"stacks_of_{leaf.shape[0]}" if stacked(path) else SINGLE][path] = leaf
    return {name: unflatten(part) for name, part in parts.items()}
