"""What a report draws of examples of any modalities: pictures, texts, series, weights of a fusion and of lags."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

import jax
import numpy as np
from flax import linen as nn

from mmjax.core.task import Panel
from mmjax.tasks.panels import between, grid

CURVES = 4  # channels of a series that a panel has colours for


def order(model: nn.Module) -> tuple[str, ...]:
    """In which order the model's fusion counts the modalities, if it says so."""
    return tuple(getattr(getattr(model, "fusion", None), "order", ()))


def examples(
    batch: Mapping[str, np.ndarray],
    records: Sequence[Mapping[str, Any]],
    maps: Mapping[str, Any],
    model: nn.Module,
    words: Any = None,
    lengths: Mapping[str, int] = MappingProxyType({}),
) -> list[Panel]:
    """A panel for each example with the first modality that can be drawn and, where a fusion chose among modalities at
    each of several places, one with how it chose; where streams were compared at several lags, one with their weights.
    Of several records about one example the first, or first wrong one. Where words and places of a picture have met,
    the picture is shown as each of them saw it.

    Args:
        batch: modalities with their masks, and `index`.
        records: what was said about the examples.
        maps: what the model sowed; an array `modality` [B, L, M], or [B * Q, L, M] for Q questions an example, are
            weights of the modalities in the order of its fusion; `lag` [B, 2 most + 1], or [B * Q, ...], are those of
            lags from -most to most.
        model: as `models.compose`; which modalities it has several of, and what it calls them in which order.
        words: makes texts of token ids.
        lengths: how many tokens of each modality meet.
    """
    names, asked, several = order(model), getattr(model, "asked", ()), getattr(model, "several", ())
    chosen = [leaf for path, leaf in jax.tree.leaves_with_path(maps) if "'modality'" in jax.tree_util.keystr(path)]
    weights = np.asarray(chosen[-1], np.float32) if chosen and chosen[-1].shape[-1] == len(names) else None
    lags, seeing = _lags(maps), _Seeing.of(batch, maps, model, words, lengths)
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
            given = {
                name: _beside(*one) if name in several else one
                for name, one in _given(batch, b, asked, record["place"])
            }
            first, *others = _panels(given, record, None if weights is None else own(weights), names, words)
            if seeing is not None and first.kind == "picture":
                first = seeing(first, given, b, record["place"])
            found += [first, *others]
            if lags:
                found.append(_compared({name: own(one) for name, one in lags.items()}))
    return found


@dataclasses.dataclass(frozen=True)
class _Seeing:
    """Where words looked in a picture: `by_words` [R, L, N] and `by_first` [R, N], of R = B or B * Q passes.

    `several` says that the Q passes of an example are of pictures that stand beside each other.
    """

    picture: str
    text: str
    size: tuple[int, int]
    by_words: np.ndarray
    by_first: np.ndarray
    several: bool
    examples: int
    words: Any

    @classmethod
    def of(
        cls,
        batch: Mapping[str, np.ndarray],
        maps: Mapping[str, Any],
        model: nn.Module,
        words: Any,
        lengths: Mapping[str, int],
    ) -> "_Seeing | None":
        """None where no picture and text have met, or what they sowed does not tell."""
        names = [name for name in sorted(lengths) if name in batch]
        picture = next((name for name in names if _is_picture(batch[name])), None)
        text = next((name for name in names if _is_text(batch[name], batch[f"{name}_mask"])), None)
        if words is None or picture is None or text is None:
            return None
        for number, part in reversed(list(enumerate(getattr(model, "interactions", ())))):
            left, standing = maps.get(f"interactions_{number}", {}), getattr(part, "order", ())
            if left and set(standing) == set(lengths):
                stand = {name: lengths[name] for name in standing}
                by_words, by_itself = (between(left, stand, one, picture) for one in (text, picture))
                if by_words is not None and by_itself is not None:
                    size = tuple(np.shape(batch[picture])[-3:-1])
                    several = picture in getattr(model, "several", ())
                    rows = len(batch["index"])
                    return cls(picture, text, size, by_words, by_itself[:, 0], several, rows, words)
        return None

    def __call__(self, panel: Panel, given: Mapping[str, tuple[np.ndarray, np.ndarray]], b: int, place: int) -> Panel:
        """The panel of an example with a map for each of its words."""
        ids, real = given[self.text]
        if not np.any(real) or not np.any(given[self.picture][1]):
            return panel
        passes = len(self.by_words) // self.examples
        rows = range(b * passes, (b + 1) * passes) if self.several else [b * passes + place]
        seen = np.concatenate([grid(self.by_words[row], *self.size)[real] for row in rows], axis=-1)
        labels = [self._called(int(token), at) for at, token in enumerate(ids[real])]
        whole = np.concatenate([grid(self.by_first[row], *self.size) for row in rows], axis=-1)
        if whole.size < len(rows) * self.by_first.shape[-1]:  # the picture has a token of its own for all of it
            seen, labels = np.concatenate([whole[None], seen]), ["(picture)", *labels]
        seen = seen / np.maximum(seen.max(axis=(1, 2), keepdims=True), 1e-9)
        return panel.replace(arrays={**panel.arrays, "heat": seen}, text={**panel.text, "heat": "\n".join(labels)})

    def _called(self, token: int, place: int) -> str:
        return " ".join(self.words.decode([token]).split()) or ("(end)" if place else "(start)")


def _is_picture(values: Any) -> bool:
    return values.dtype == np.uint8 and values.ndim in (4, 5) and values.shape[-1] == 3


def _is_text(values: Any, mask: Any) -> bool:
    return values.dtype.kind == "i" and values.shape == mask.shape


def _beside(values: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pictures [Q, H, W, 3] as one [H, Q W, 3] with lines between them; anything else as it is."""
    if not _is_picture(values[None]) or values.ndim != 4:
        return values, mask
    lined = values.copy()
    lined[:-1, :, -max(1, values.shape[2] // 64) :] = 255
    return np.concatenate(list(lined), axis=1), np.any(mask)


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
        texts = {name: one for name, one in given.items() if _is_text(*one)}
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
