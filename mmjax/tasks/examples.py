"""What a report draws of examples of any modalities: pictures, series and the weights that a fusion gave."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np
from flax import linen as nn

from mmjax.core.task import Panel

CURVES = 4  # channels of a series that a panel has colours for


def order(model: nn.Module) -> tuple[str, ...]:
    """In which order the model's fusion counts the modalities, if it says so."""
    return tuple(getattr(getattr(model, "fusion", None), "order", ()))


def examples(
    batch: Mapping[str, np.ndarray],
    records: Sequence[Mapping[str, Any]],
    maps: Mapping[str, Any],
    order: Sequence[str],
) -> list[Panel]:
    """A panel for each example: the first modality that can be drawn or, where a fusion chose among modalities at each
    of several places, how it chose. Of several records about one example it shows the first, or the first wrong one.

    Args:
        batch: modalities with their masks, and `index`.
        records: what was said about the examples.
        maps: what the model sowed; an array `modality` [B, L, M], or [B * Q, L, M] for Q questions an example, are
            weights of the modalities in `order`.
        order: names of the M modalities.
    """
    chosen = [leaf for path, leaf in jax.tree.leaves_with_path(maps) if "'modality'" in jax.tree_util.keystr(path)]
    weights = np.asarray(chosen[-1], np.float32) if chosen and chosen[-1].shape[-1] == len(order) else None
    places = {int(index): b for b, index in enumerate(np.asarray(batch["index"])) if index >= 0}
    shown: dict[int, Mapping[str, Any]] = {}
    for record in records:
        before = shown.setdefault(record["index"], record)
        if before.get("right", True) and not record.get("right", True):
            shown[record["index"]] = record
    return [_panel(batch, places[index], r, weights, order) for index, r in shown.items() if index in places]


def _panel(
    batch: Mapping[str, np.ndarray],
    b: int,
    record: Mapping[str, Any],
    weights: np.ndarray | None,
    order: Sequence[str],
) -> Panel:
    text = {name: _said(record[name]) for name in ("kind", "truth", "prediction", "confidence") if name in record}
    if "right" in record:
        text["verdict"] = "right" if record["right"] else "wrong"
    missing = [name for name in _modalities(batch) if not np.asarray(batch[f"{name}_mask"][b]).any()]
    if missing:
        text["missing"] = ", ".join(missing)
    if weights is not None:
        mine = weights[b * (len(weights) // len(batch["index"])) + record["place"]]
        steps = np.flatnonzero(mine.any(axis=-1))  # where no modality is real there was nothing to choose
        mean = mine[steps].mean(axis=0) if len(steps) else mine[0]
        text["weights"] = ", ".join(f"{name} {x:.2f}" for name, x in zip(order, mean, strict=True))
        if len(mine) > 1:
            mine = mine[: steps[-1] + 1] if len(steps) else mine
            return _curve({name: mine[:, m] for m, name in enumerate(order)}, text)
    for name in _modalities(batch):
        value = np.asarray(batch[name][b])
        if name in missing:
            continue
        if value.dtype == np.uint8 and value.ndim in (3, 4) and value.shape[-1] == 3:
            return Panel("picture", {"image": value if value.ndim == 3 else value[0]}, text)
        if value.ndim == 2 and np.issubdtype(value.dtype, np.floating):
            real = np.asarray(batch[f"{name}_mask"][b])
            shown = value[real] if real.ndim else value
            return _curve({f"{name} {c}": shown[:, c] for c in range(min(CURVES, shown.shape[1]))}, text)
    return Panel("table", {"rows": np.array([[name, _said(value)] for name, value in text.items()])}, text)


def _modalities(batch: Mapping[str, np.ndarray]) -> list[str]:
    return sorted(name for name in batch if f"{name}_mask" in batch and name != "target")


def _curve(series: Mapping[str, np.ndarray], text: dict[str, str]) -> Panel:
    length = len(next(iter(series.values())))
    return Panel("curve", {"x": np.arange(length), **series}, text)


def _said(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_said, value)) or "none"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
