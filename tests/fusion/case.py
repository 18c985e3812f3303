"""Modalities for the tests of fusion and interaction: all real, partly real, missing in a row, a row of nothing."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import jax
import numpy as np
import pytest
from flax import linen as nn

from mmjax.core.tokens import Modalities, Tokens
from tests import reference

B, L, D = 4, 5, 8
ORDER = ("text", "image", "audio")  # jit hands dicts back sorted: this is another order


def modalities(names: Sequence[str] = ORDER, lengths: Mapping[str, int] | None = None, seed: int = 0) -> dict:
    """{name: Tokens [B, L, D]}: row 0 is all real, row 1 partly, row 2 lacks the first modality, row 3 has none."""
    rng = np.random.default_rng(seed)
    found = {}
    for name in names:
        length = (lengths or {}).get(name, L)
        mask = np.ones((B, length), bool)
        mask[1] = np.arange(length) < rng.integers(1, max(length, 2))  # its last position is real nowhere
        mask[2] = name != names[0]
        mask[3] = False
        found[name] = Tokens(rng.normal(size=(B, length, D)).astype(np.float32), mask)
    return found


def dirty(given: Modalities, junk: float = np.nan) -> dict[str, Tokens]:
    """The same with junk under every mask."""
    return {name: one.replace(x=np.where(one.mask[..., None], one.x, np.float32(junk))) for name, one in given.items()}


def reordered(given: Any, rows: Sequence[int]) -> Any:
    """The same rows in another order."""
    return jax.tree.map(lambda leaf: leaf[np.asarray(rows)], given)


def beside_others(given: Modalities, b: int) -> dict[str, Tokens]:
    """Row b as it is, beside rows of other values with the opposite mask."""
    others = np.arange(B) != b
    return {
        name: Tokens(
            np.where(others[:, None, None], 1 - one.x[::-1], one.x), np.where(others[:, None], ~one.mask, one.mask)
        )
        for name, one in given.items()
    }


def padded(given: Modalities, by: Mapping[str, int]) -> dict[str, Tokens]:
    """Each modality with so many more positions of which none is real, with NaN there."""
    return {
        name: Tokens(
            np.pad(one.x, ((0, 0), (0, by[name]), (0, 0)), constant_values=np.nan),
            np.pad(one.mask, ((0, 0), (0, by[name]))),
        )
        for name, one in given.items()
    }


# (order, modalities, what every op says of them)
UNUSABLE = [
    pytest.param(ORDER, modalities(lengths={"image": 0}), "must have a token, given lengths {.*'image': 0", id="empty"),
    pytest.param(
        ORDER,
        modalities() | {"image": jax.tree.map(lambda leaf: leaf[:2], modalities()["image"])},
        "must share one batch size, given {.*'image': 2",
        id="unequal",
    ),
    pytest.param((), {}, "there is no modality", id="none"),
]


def positions(given: Modalities, order: Sequence[str] = ORDER) -> Iterator[tuple[int, int, dict[str, np.ndarray]]]:
    """(row, position, {name: vector in double precision}) with the modalities that are real there, in their order."""
    for b, i in np.ndindex(*given[order[0]].mask.shape):
        yield b, i, {name: np.asarray(given[name].x[b, i], np.float64) for name in order if given[name].mask[b, i]}


def apply(module: nn.Module, given: Modalities) -> tuple[dict[str, Any], Any, dict[str, Any]]:
    """(random parameters, what the module makes of what is given with NaN under its masks, the maps that leave it)."""
    shapes = jax.eval_shape(partial(module.init, train=False), jax.random.key(0), given)
    params = reference.parameters(module, given, train=False) if "params" in shapes else {}
    run = jax.jit(partial(module.apply, train=False, mutable=["maps"]))
    found, state = run({"params": params}, dirty(given))
    return params, found, {name: values[0] for name, values in state.get("maps", {}).items() if type(values) is tuple}


def softmax(logits: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Softmax over a list, element by element of what stands in it."""
    powers = [np.exp(logit) for logit in logits]
    return [power / sum(powers) for power in powers]


def dense(x: np.ndarray, params: Mapping[str, np.ndarray]) -> np.ndarray:
    """The linear map of one vector [D]."""
    return reference.dense(x[None], params)[0]
