"""Parts that several encoders share, in NumPy loops: a transformer, a convolution over time, positions."""

import math
from functools import partial

import jax
import numpy as np

from tests import reference


def run(module, params, values, mask):
    """What the encoder itself gives; compiled, for that is faster than operation by operation."""
    return jax.jit(partial(module.apply, train=False))({"params": params}, values, mask)


def transformer(x, params, mask, heads: int) -> np.ndarray:
    """Pre-norm blocks and a last norm over x [B, L, D], of which those that mask [B, L] leaves are seen."""
    x = np.where(mask[..., None], x, 0)
    seen = np.repeat(mask[:, None], x.shape[1], axis=1)
    nothing = np.zeros((heads, x.shape[1], x.shape[1]))
    for i in range(len(params.get("stack", ()))):
        layer = params["stack"][f"layers_{i}"]
        inner = reference.layer_norm(x, layer["attention_norm"])
        scale = (x.shape[-1] // heads) ** -0.5
        x = x + reference.attention(inner, inner, layer["attention"], seen, nothing, heads=heads, scale=scale)
        x = x + reference.mlp(reference.layer_norm(x, layer["mlp_norm"]), layer["mlp"])
    return reference.layer_norm(x, params["norm"])


def convolve(x, mask, params, kernel: int, stride: int) -> tuple[np.ndarray, np.ndarray]:
    """A convolution over x [B, T, C] and which of its results are real: each stands for `stride` steps."""
    batch, times, channels = x.shape
    weights = np.asarray(params["kernel"]).reshape(kernel, channels, -1)
    count = math.ceil(times / stride)
    out = np.zeros((batch, count, weights.shape[-1])) + np.asarray(params["bias"])
    real = np.zeros((batch, count), bool)
    for b, t, j in np.ndindex(batch, count, kernel):
        at = t * stride + j - (kernel - stride) // 2
        if 0 <= at < times and mask[b, at]:
            for c in range(channels):
                out[b, t] += x[b, at, c] * weights[j, c]
            real[b, t] |= t * stride <= at < (t + 1) * stride
    return out, real


def waves(at, dim: int, temperature: float = 10_000.0) -> np.ndarray:
    """[..., dim] of times [...]."""
    at = np.asarray(at)
    out = np.zeros((*at.shape, dim))
    for place in np.ndindex(at.shape):
        for i in range(dim // 2):
            angle = at[place] / temperature ** (2 * i / dim)
            out[place][i], out[place][dim // 2 + i] = math.sin(angle), math.cos(angle)
    return out


def grid_waves(height: int, width: int, dim: int, temperature: float = 10_000.0) -> np.ndarray:
    """[height, width, dim]: half of the width tells y, the other half x."""
    rows, columns = (waves(np.arange(n), dim // 2, temperature) for n in (height, width))
    return np.array([[np.concatenate([rows[y], columns[x]]) for x in range(width)] for y in range(height)])


def close(tokens, expected, mask, atol: float = 2e-4) -> None:
    """The tokens' mask is the one expected, and what is real is near."""
    np.testing.assert_array_equal(tokens.mask, mask)
    np.testing.assert_allclose(np.asarray(tokens.x)[mask], expected[mask], atol=atol)
