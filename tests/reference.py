"""Transformer parts in plain NumPy and Python loops, in double precision: what the tests compare the package with."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

Params = Mapping[str, np.ndarray]


def parameters(module, *args, seed: int = 0, **kwargs):
    """Random parameters for a call of the module; no zero bias and no unit scale among them can hide an error."""
    shapes = jax.eval_shape(lambda: module.init(jax.random.key(0), *args, **kwargs))["params"]
    rng = np.random.default_rng(seed)
    return jax.tree.map(lambda leaf: rng.normal(size=leaf.shape, scale=0.4).astype(np.float32), shapes)


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function under jit, giving NumPy arrays: cutting those compiles nothing."""
    run = jax.jit(function)
    return lambda *args, **kwargs: jax.device_get(run(*args, **kwargs))


def dense(x: np.ndarray, params: Params) -> np.ndarray:
    kernel = np.asarray(params["kernel"], np.float64)
    bias = np.asarray(params.get("bias", np.zeros(kernel.shape[1])), np.float64)
    rows = np.asarray(x, np.float64).reshape(-1, kernel.shape[0])
    out = np.stack([[sum(row * kernel[:, j]) + bias[j] for j in range(kernel.shape[1])] for row in rows])
    return out.reshape(*np.shape(x)[:-1], kernel.shape[1])


def gelu(x: np.ndarray) -> np.ndarray:
    return np.vectorize(lambda v: 0.5 * v * (1 + math.erf(v / math.sqrt(2))))(x)


def gelu_tanh(x: np.ndarray) -> np.ndarray:
    return np.vectorize(lambda v: 0.5 * v * (1 + math.tanh(math.sqrt(2 / math.pi) * (v + 0.044715 * v**3))))(x)


def layer_norm(x: np.ndarray, params: Params, epsilon: float = 1e-6) -> np.ndarray:
    out = np.empty(x.shape)
    for at in np.ndindex(x.shape[:-1]):
        row = np.asarray(x[at], np.float64)
        centred = row - sum(row) / len(row)
        out[at] = centred / math.sqrt(sum(centred**2) / len(row) + epsilon) * params["scale"] + params["bias"]
    return out


def rms_norm(x: np.ndarray, params: Params, epsilon: float = 1e-6) -> np.ndarray:
    out = np.empty(x.shape)
    for at in np.ndindex(x.shape[:-1]):
        row = np.asarray(x[at], np.float64)
        out[at] = row / math.sqrt(sum(row**2) / len(row) + epsilon) * params["scale"]
    return out


def attend(query, key, value, mask, bias, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Output [B, L, H, K] and weights [B, H, L, S]: each query looks at the keys that it may see and at no other.

    query [B, L, H, K], key and value [B, S, H, K], mask [B, L, S], bias [H, L, S].
    """
    (batch, length, heads, width), memory = query.shape, key.shape[1]
    out, weights = np.zeros((batch, length, heads, width)), np.zeros((batch, heads, length, memory))
    for b, i, h in np.ndindex(batch, length, heads):
        seen = [s for s in range(memory) if mask[b, i, s]]
        if not seen:
            continue
        logits = [float(np.dot(query[b, i, h], key[b, s, h])) * scale + float(bias[h, i, s]) for s in seen]
        powers = [math.exp(logit - max(logits)) for logit in logits]
        for s, power in zip(seen, powers, strict=True):
            weights[b, h, i, s] = power / sum(powers)
            out[b, i, h] += weights[b, h, i, s] * value[b, s, h]
    return out, weights


def attention(x, memory, params, mask, bias, *, heads: int, scale: float) -> np.ndarray:
    """The whole layer: x [B, L, D] and memory [B, S, D] to [B, L, D]; heads are equal cuts of the projected width."""

    def cut(projected):
        return np.stack(np.split(projected, heads, axis=-1), axis=2)

    query, key, value = (dense(y, params[n]) for y, n in ((x, "query"), (memory, "key"), (memory, "value")))
    attended, _ = attend(cut(query), cut(key), cut(value), mask, bias, scale)
    return dense(np.concatenate([attended[:, :, h] for h in range(heads)], axis=-1), params["out"])


def mlp(x: np.ndarray, params: Params) -> np.ndarray:
    return dense(gelu_tanh(dense(x, params["up"])), params["down"])


def gated_mlp(x: np.ndarray, params: Params) -> np.ndarray:
    return dense(gelu_tanh(dense(x, params["gate"])) * dense(x, params["up"]), params["down"])


def bucket(offset: int, buckets: int, distance: int, both_sides: bool) -> int:
    """T5's bucket of one offset, with the logarithm as comparisons of whole numbers, which have no rounding.

    exact + g is the bucket while away / exact lies between (distance / exact) ** (g / rest) and that of g + 1.
    """
    first = 0
    if both_sides:
        buckets //= 2
        first = buckets if offset > 0 else 0
    away = abs(offset) if both_sides else max(-offset, 0)
    exact = buckets // 2
    if away < exact:
        return first + away
    rest = buckets - exact
    grown = max(g for g in range(rest + 1) if away**rest * exact**g >= exact**rest * distance**g)
    return first + min(exact + grown, buckets - 1)


def relative_bias(params: Params, queries, keys, both_sides: bool, buckets: int = 32, distance: int = 128):
    """[H, L, S] from the table of `nn.relative_position`."""
    table = np.asarray(params["table"]["embedding"])
    rows = [[table[bucket(s - i, buckets, distance, both_sides)] for s in keys] for i in queries]
    return np.moveaxis(np.array(rows), -1, 0)
