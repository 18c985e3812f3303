"""The model of `multimodal.composed` as one function of plain jax.numpy: what a composed model is measured against.

It takes the composed model's parameters, so that both must give the same logits.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments.benchmarks import sizes


def by_hand(names: Sequence[str], params: Mapping[str, Any], batch: Mapping[str, jax.Array]) -> jax.Array:
    """Logits [B, C] of a batch of some of image, text and series."""
    size = sizes.COMPOSED
    heads, layers = size["heads"], size["layers"]

    def linear(x, p):
        return x @ p["kernel"] + p["bias"]

    def norm(x, p):
        mean = x.mean(-1, keepdims=True)
        variance = ((x - mean) ** 2).mean(-1, keepdims=True)
        return (x - mean) * jax.lax.rsqrt(variance + 1e-6) * p["scale"] + p["bias"]

    def attention(x, mask, p):
        rows, length, dim = x.shape
        q, k, v = (
            linear(x, p[name]).reshape(rows, length, heads, -1).swapaxes(1, 2) for name in ("query", "key", "value")
        )
        scores = q @ k.swapaxes(2, 3) * (dim // heads) ** -0.5
        weights = jax.nn.softmax(jnp.where(mask[:, None, None], scores, -1e30), axis=-1)
        return linear((weights @ v).swapaxes(1, 2).reshape(rows, length, dim), p["out"])

    def transformer(x, mask, p):
        for i in range(layers):
            layer = p["stack"][f"layers_{i}"]
            x = x + attention(norm(x, layer["attention_norm"]), mask, layer["attention"])
            hidden = jax.nn.gelu(linear(norm(x, layer["mlp_norm"]), layer["mlp"]["up"]))
            x = x + linear(hidden, layer["mlp"]["down"])
        return norm(x, p["norm"])

    def waves(length):
        half = size["dim"] // 2
        phase = np.arange(length)[:, None] * 10_000.0 ** -(np.arange(half) / half)
        return np.concatenate([np.sin(phase), np.cos(phase)], axis=-1).astype(np.float32)

    x, mask = {}, {}
    if "image" in names:
        p, side = params["encoders_image"], size["patch"]
        picture = jnp.where(batch["image_mask"][:, None, None, None], batch["image"], 0) / 127.5 - 1.0
        rows, grid = len(picture), picture.shape[1] // side
        patches = picture.reshape(rows, grid, side, grid, side, 3).swapaxes(2, 3).reshape(rows, grid * grid, -1)
        mask["image"] = jnp.broadcast_to(batch["image_mask"][:, None], patches.shape[:2])
        tokens = linear(patches, p["stem"]["patch"]) + p["position"]["table"].reshape(grid * grid, -1)
        x["image"] = transformer(tokens, mask["image"], p)
    if "text" in names:
        p, mask["text"] = params["encoders_text"], batch["text_mask"]
        tokens = p["embed"]["embedding"][jnp.where(mask["text"], batch["text"], 0)] + waves(size["length"])
        x["text"] = transformer(jnp.where(mask["text"][..., None], tokens, 0), mask["text"], p["transformer"])
    if "series" in names:
        p, there = params["encoders_series"], batch["series_mask"]
        tokens = batch["series"]
        for i in range(2):
            # Windows of five steps, two apart, of which one lies before the first step.
            count = tokens.shape[1] // 2
            padded = jnp.pad(jnp.where(there[..., None], tokens, 0), ((0, 0), (1, 2), (0, 0)))
            windows = jnp.concatenate([padded[:, j : j + 2 * count - 1 : 2] for j in range(5)], axis=-1)
            tokens = jax.nn.gelu(norm(linear(windows, p[f"conv_{i}"]["kernel"]), p[f"norm_{i}"]))
            there = there[:, ::2] | there[:, 1::2]
        mask["series"] = there
        tokens = jnp.where(there[..., None], tokens + waves(tokens.shape[1]), 0)
        x["series"] = transformer(tokens, there, p["transformer"])

    mask = jnp.concatenate([mask[name] for name in names], axis=1)
    x = jnp.where(mask[..., None], jnp.concatenate([x[name] for name in names], axis=1), 0)
    x = jnp.where(mask[..., None], transformer(x, mask, params["trunk"]), 0)
    return linear(x.sum(1) / mask.sum(1, keepdims=True), params["head"]["logits"])
