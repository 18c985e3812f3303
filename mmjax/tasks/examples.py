"""What a report draws of examples of any modalities: pictures, texts, series, weights of a fusion and of lags."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
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
    asked: Sequence[str] = (),
    words: Any = None,
) -> list[Panel]:
    """A panel for each example with the first modality that can be drawn and, where a fusion chose among modalities at
    each of several places, one with how it chose; where streams were compared at several lags, one with their weights.
    Of several records about one example the first, or first wrong one.

    Args:
        batch: modalities with their masks, and `index`.
        records: what was said about the examples.
        maps: what the model sowed; an array `modality` [B, L, M], or [B * Q, L, M] for Q questions an example, are
            weights of the modalities in `order`; `lag` [B, 2 most + 1], or [B * Q, ...], are those of lags from -most
            to most.
        order: names of the M modalities.
        asked: modalities that an example has several of, of which a record's `place` is meant.
        words: makes texts of token ids.
    """
    chosen = [leaf for path, leaf in jax.tree.leaves_with_path(maps) if "'modality'" in jax.tree_util.keystr(path)]
    weights = np.asarray(chosen[-1], np.float32) if chosen and chosen[-1].shape[-1] == len(order) else None
    lags = _lags(maps)
    places = {int(index): b for b, index in enumerate(np.asarray(batch["index"])) if index >= 0}
    shown: dict[int, Mapping[str, Any]] = {}
    for record in records:
        before = shown.setdefault(record["index"], record)
        if before.get("right", True) and not record.get("right", True):
            shown[record["index"]] = record
    found = []
    for index, record in shown.items():
        if index in places:
            b = places[index]
            own = partial(_row, b=b, examples=len(batch["index"]), place=record["place"])
            given = dict(_given(batch, b, asked, record["place"]))
            found += _panels(given, record, None if weights is None else own(weights), order, words)
            if lags:
                found.append(_compared({name: own(one) for name, one in lags.items()}))
    return found


def _row(rows: np.ndarray, b: int, examples: int, place: int) -> np.ndarray:
    """What stands in the place of an example: a model that is asked Q questions of each has Q rows for it."""
    return rows[b * (len(rows) // examples) + place]


def _lags(maps: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Weights of lags by the name of the module that gave them."""
    found = {}
    for path, leaf in jax.tree.leaves_with_path(maps):
        *_, owner, name, _ = (getattr(step, "key", None) for step in path)  # the last is the place in what was sowed
        if name == "lag":
            found[owner] = np.asarray(leaf, np.float32)
    return found


def _compared(lags: Mapping[str, np.ndarray]) -> Panel:
    """How much each lag weighs, in steps; each of as many as the widest has."""
    most = max(len(one) for one in lags.values()) // 2
    series = {name: np.pad(one, most - len(one) // 2) for name, one in lags.items()}
    text = {"heaviest lag": ", ".join(f"{name} {np.argmax(one) - most:+d}" for name, one in series.items())}
    return Panel("curve", {"x": np.arange(-most, most + 1), **series}, text)


def _given(
    batch: Mapping[str, np.ndarray], b: int, asked: Sequence[str], place: int
) -> Iterator[tuple[str, tuple[np.ndarray, np.ndarray]]]:
    """(name, (values, mask)) of each modality of an example, of those asked about the one in its place."""
    for name in sorted(name for name in batch if f"{name}_mask" in batch and name != "target"):
        values, mask = (np.asarray(batch[key][b]) for key in (name, f"{name}_mask"))
        yield name, (values[place], mask[place]) if name in asked else (values, mask)


def _panels(
    given: Mapping[str, tuple[np.ndarray, np.ndarray]],
    record: Mapping[str, Any],
    weights: np.ndarray | None,
    order: Sequence[str],
    words: Any,
) -> list[Panel]:
    text = {}
    if words is not None:
        texts = {name: one for name, one in given.items() if one[0].dtype.kind == "i" and one[0].shape == one[1].shape}
        text |= {name: words.decode(values[mask].tolist()) for name, (values, mask) in texts.items() if mask.any()}
    said = ("kind", "truth", "prediction", "deviation", "confidence")
    text |= {name: _said(record[name]) for name in said if name in record}
    if "right" in record:
        text["verdict"] = "right" if record["right"] else "wrong"
    missing = [name for name, (_, mask) in given.items() if not mask.any()]
    if missing:
        text["missing"] = ", ".join(missing)
    chosen: dict[str, np.ndarray] = {}
    if weights is not None:
        steps = np.flatnonzero(weights.any(axis=-1))  # where no modality is real there was nothing to choose
        mean = weights[steps].mean(axis=0) if len(steps) else weights[0]
        text["weights"] = ", ".join(f"{name} {x:.2f}" for name, x in zip(order, mean, strict=True))
        if len(weights) > 1:
            real = weights[: steps[-1] + 1] if len(steps) else weights
            chosen = {name: real[:, m] for m, name in enumerate(order)}
    drawn = (_drawn(name, *one, text) for name, one in given.items() if name not in missing)
    first = next((panel for panel in drawn if panel is not None and not (chosen and panel.kind == "curve")), None)
    if chosen:
        beside = {name: text[name] for name in ("weights", "verdict") if name in text}
        return [_curve(chosen, text)] if first is None else [first, _curve(chosen, beside)]
    if first is None:
        first = Panel("table", {"rows": np.array([[name, _said(value)] for name, value in text.items()])}, text)
    return [first]


def _drawn(name: str, values: np.ndarray, mask: np.ndarray, text: dict[str, str]) -> Panel | None:
    """A picture, the first frame of a film, or the first channels of a series."""
    if values.dtype == np.uint8 and values.ndim in (3, 4) and values.shape[-1] == 3:
        return Panel("picture", {"image": values if values.ndim == 3 else values[0]}, text)
    if values.ndim == 2 and np.issubdtype(values.dtype, np.floating):
        shown = values[mask] if mask.ndim else values
        return _curve({f"{name} {c}": shown[:, c] for c in range(min(CURVES, shown.shape[1]))}, text)
    return None


def _curve(series: Mapping[str, np.ndarray], text: dict[str, str]) -> Panel:
    length = len(next(iter(series.values())))
    return Panel("curve", {"x": np.arange(length), **series}, text)


def _said(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_said, value)) or "none"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
