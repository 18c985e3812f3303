"""What a report draws of pictures and texts: a picture, what was asked and written, and where words looked."""

from collections.abc import Mapping, Sequence
from itertools import accumulate
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
    looked = looked / jnp.maximum(looked.max(axis=-1, keepdims=True), 1e-9)
    rows = _rows(looked.shape[-1], height, width)
    return rearrange(looked, "(b q) t (h w) -> b q t h w", b=len(batch["text"]), h=rows)


def grid(looked: np.ndarray, height: int, width: int) -> np.ndarray:
    """What was looked at of each token of a picture [..., N] as places of it [..., h, w].

    A first token that stands for the whole picture is of no place, and left out: there is one where without it places
    are nearer to squares.
    """
    count = looked.shape[-1]
    fits = {skip: _rows(count - skip, height, width) for skip in (0, 1) if count > skip}
    stretched = {
        skip: abs(np.log((count - skip) / rows**2 * height / width))
        for skip, rows in fits.items()
        if (count - skip) % rows == 0
    }
    skip = min(stretched, key=stretched.__getitem__)
    return rearrange(looked[..., skip:], "... (h w) -> ... h w", h=fits[skip])


def between(maps: Mapping[str, Any], lengths: Mapping[str, int], one: str, other: str) -> np.ndarray | None:
    """How much each token of `one` looked at each of `other` [B, L, S], the mean over layers and heads.

    None where tokens of all modalities have not met.

    Args:
        maps: what an interaction has left, such as `interaction.multiway`, by maps of its own or of all modalities.
        lengths: how many tokens each modality has, in the order in which they stand beside each other.
    """
    total, ends = sum(lengths.values()), dict(zip(lengths, accumulate(lengths.values()), strict=True))
    rows, columns = (slice(ends[name] - lengths[name], ends[name]) for name in (one, other))
    leaves = [(jax.tree_util.keystr(path), leaf) for path, leaf in jax.tree.leaves_with_path(maps)]
    shapes = {"own": (lengths[one], total), "shared": (total, total)}
    own = [leaf for path, leaf in leaves if f"'{one}_attention'" in path and leaf.shape[-2:] == shapes["own"]]
    shared = [leaf[..., rows, :] for _, leaf in leaves if leaf.ndim > 3 and leaf.shape[-2:] == shapes["shared"]]
    found = own or shared
    return np.asarray(_averaged(found)[..., columns], np.float32) if found else None


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
    found = _averaged(looked)
    places = jax.tree.leaves(maps["image"])[0].shape[-1]
    # Pictures' first real token is the first picture's: missing ones may stand before it.
    start = jnp.argmax(memory[:, : places * (batch["image_mask"].size // len(batch["text"]))], axis=1)
    at = start[:, None, None] + jnp.arange(places)
    return jnp.take_along_axis(found[:, -batch["target"].shape[-1] :], at, axis=2)


def _averaged(leaves: Sequence[jax.Array]) -> jax.Array:
    """The mean over heads and layers [B, L, S]: a loop has an array [B, H, L, S] a layer, a scan a leading axis."""
    return jnp.mean(jnp.stack([leaf.mean(axis=tuple(range(leaf.ndim - 4))) for leaf in leaves]), axis=(0, 2))


def _rows(places: int, height: int, width: int) -> int:
    """How many rows there are of square places in a picture."""
    return max(1, round((places * height / width) ** 0.5))


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
