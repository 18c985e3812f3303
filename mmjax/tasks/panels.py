"""What a report draws of pictures and texts: a picture, what was asked and written, and where the decoder looked."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from einops import rearrange

from mmjax.core.task import Batch, Panel


def panels(
    batch: Mapping[str, np.ndarray],
    records: Sequence[Mapping[str, Any]],
    tokens: np.ndarray,
    looked: np.ndarray,
    vocabulary: Any,
) -> list[Panel]:
    """For each picture one question, a wrong answer where there is one.

    Args:
        batch: B examples with Q texts each; see `models.pali`.
        records: what was said about them.
        tokens: [B, Q, T] of the answers.
        looked: [B, Q, T, h, w], see `heat`.
        vocabulary: makes words of tokens.
    """
    found = []
    for b, index in enumerate(np.asarray(batch["index"])):
        asked = np.flatnonzero(batch["text_mask"][b].any(-1))
        if index < 0 or not len(asked):
            continue
        mine = [record for record in records if record["index"] == index]
        wrong = [i for i, record in enumerate(mine) if not record["right"]]
        chosen = wrong[0] if wrong else int(index) % len(mine)
        at = b, asked[chosen]
        image = _first(batch["image"][b], batch["image_mask"][b])
        found.append(_panel(image, mine[chosen], tokens[at], looked[at], vocabulary))
    return found


def heat(looked: jax.Array, batch: Batch) -> jax.Array:
    """How much each target token looked at each place of a picture [B, Q, T, h, w], its largest at 1.

    `looked` is [B * Q, T, h w], of pictures whose shape the batch tells.
    """
    height, width = batch["image"].shape[-3:-1]
    rows = max(1, round((looked.shape[-1] * height / width) ** 0.5))
    looked = looked / jnp.maximum(looked.max(axis=-1, keepdims=True), 1e-9)
    return rearrange(looked, "(b q) t (h w) -> b q t h w", b=len(batch["text"]), h=rows)


def read(maps: Mapping[str, Any], memory: jax.Array, batch: Batch) -> jax.Array:
    """What a decoder read of the first picture for each target token [B * Q, T, h w].

    Args:
        maps: the attention of a model's `image` and `decoder`.
        memory: the mask [B * Q, S] of what the decoder is given, pictures first.
        batch: what the model was given.
    """
    leaves = jax.tree.leaves_with_path(maps["decoder"])
    # Without a memory to look at, pictures stand before the targets in the decoder's own attention.
    looked = [leaf for path, leaf in leaves if "cross" in jax.tree_util.keystr(path)]
    looked = looked or [leaf for _, leaf in leaves]
    # A loop has an array [B * Q, H, T, S] a layer, a scan one with a leading axis: both come to their mean.
    found = jnp.mean(jnp.stack([leaf.mean(axis=tuple(range(leaf.ndim - 4))) for leaf in looked]), axis=(0, 2))
    places = jax.tree.leaves(maps["image"])[0].shape[-1]
    # Pictures' first real token is the first picture's: missing ones may stand before it.
    start = jnp.argmax(memory[:, : places * (batch["image_mask"].size // len(batch["text"]))], axis=1)
    at = start[:, None, None] + jnp.arange(places)
    return jnp.take_along_axis(found[:, -batch["target"].shape[-1] :], at, axis=2)


def _panel(
    image: np.ndarray, record: Mapping[str, Any], tokens: np.ndarray, looked: np.ndarray, vocabulary: Any
) -> Panel:
    labels = [vocabulary.decode([token]) or "(end)" for token in tokens if token != vocabulary.pad]
    text = {
        "question": record["question"],
        "truth": record["answer"],
        "answer": record["prediction"],
        "confidence": f"{record['confidence']:.3f}",
        "verdict": "right" if record["right"] else "wrong",
        "heat": "\n".join(labels),
    }
    return Panel("picture", {"image": np.asarray(image), "heat": looked[: len(labels)]}, text)


def _first(images: np.ndarray, real: np.ndarray) -> np.ndarray:
    """The first picture [H, W, C] that is there, of one or of N."""
    return images if images.ndim == 3 else images[int(np.argmax(real))]
