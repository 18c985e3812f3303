"""What one field of one's own rows can hold: how it is read, what stands for none, and the TFDS feature for it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mmjax.data import images, media
from mmjax.data.own_pairs import portable
from mmjax.data.vocabulary import whole

LARGEST = float(np.finfo(np.float32).max)
RATE = 16_000  # samples a second of stored sound, which is what data.modality.sound expects
PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".tif", ".tiff", ".ppm", ".jp2", ".avif")
SOUNDS = (".wav", ".flac", ".ogg", ".mp3", ".opus", ".aiff", ".m4a")
VIDEOS = tuple(kind for kind in media.CONTAINERS if kind not in SOUNDS)


@dataclasses.dataclass(frozen=True)
class Kind:
    """How a value is read (paths from a folder), what stands where a row has none, and the TFDS feature for it.

    `feature` is given `tfds.features`, which takes long to import. `files` are read from disk; `rate` is that of
    a sound, in samples a second.
    """

    read: Callable[[Any, Path], Any]
    none: Any
    feature: Callable[[Any], Any]
    files: bool = False
    rate: int | None = None


def kind_of(name: str, value: Any) -> Kind:
    """The kind of a field by its name, or its first value; ValueError where that is of none."""
    if name in NAMED:
        return NAMED[name](value)
    if isinstance(value, str):
        kinds = {picture: PICTURES, sound: SOUNDS, video: VIDEOS}
        return next((kind for kind, suffixes in kinds.items() if is_path(value, suffixes)), text)(value)
    if isinstance(value, list) and value and isinstance(value[0], str):
        return picture(value) if is_path(value[0], PICTURES) else labels(value)
    if isinstance(value, list) and value and isinstance(value[0], list):
        return series(value)
    return record(value) if isinstance(value, dict) else vector(value)


def is_path(value: str, suffixes: tuple[str, ...]) -> bool:
    return value.lower().endswith(suffixes)


def picture(first: Any) -> Kind:
    """A path, or a list of paths where the first row has one."""

    def read(value: Any, root: Path) -> bytes:
        encoded = images.read(root / said(value, "a path"))
        images.decode(encoded, str(root / value))
        return portable(encoded)

    if not isinstance(first, list):
        return Kind(read, b"", lambda features: features.Image(shape=(None, None, 3)), files=True)
    return Kind(
        lambda value, root: [read(one, root) for one in listed(value, "paths")],
        [],
        lambda features: features.Sequence(features.Image(shape=(None, None, 3))),
        files=True,
    )


def sound(first: Any) -> Kind:
    """A path; what is stored are 16-bit samples of one channel."""

    def read(value: Any, root: Path) -> np.ndarray:
        samples = media.read_audio(root / said(value, "a path"), RATE)
        return np.clip(np.round(samples * 2**15), -(2**15), 2**15 - 1).astype(np.int16)

    return Kind(
        read,
        np.zeros(0, np.int16),
        lambda features: features.Tensor(shape=(None,), dtype=np.int16, encoding="bytes"),
        files=True,
        rate=RATE,
    )


def text(first: Any) -> Kind:
    return Kind(lambda value, root: whole(said(value, "a text", empty=True)), "", lambda features: features.Text())


def label(first: Any) -> Kind:
    """A class by its name or number, kept as text."""

    def read(value: Any, root: Path) -> str:
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        return whole(said(value, "a class, a text or a whole number"))

    return Kind(read, "", lambda features: features.Text())


def labels(first: Any) -> Kind:
    read = label(first).read
    return Kind(
        lambda value, root: [read(one, root) for one in listed(value, "classes")],
        [],
        lambda features: features.Sequence(features.Text()),
    )


def vector(first: Any) -> Kind:
    """As many numbers as the first row has."""
    size = numbers(first).size

    def read(value: Any, root: Path) -> np.ndarray:
        found = numbers(value)
        if found.ndim > 1 or found.size != size:
            raise ValueError(f"{found.size} numbers of shape {list(found.shape)}, but the first row has {size}")
        return found.reshape(size)

    none = np.full(size, np.nan, np.float32)
    return Kind(read, none, lambda features: features.Tensor(shape=(size,), dtype=np.float32))


def series(first: Any) -> Kind:
    """Steps of as many numbers as those of the first row."""
    channels = numbers(first).shape[-1]

    def read(value: Any, root: Path) -> np.ndarray:
        found = numbers(value)
        if found.shape[1:] != (channels,):
            raise ValueError(f"a series of shape {list(found.shape)}, but the first row's is [steps, {channels}]")
        given = np.asarray(value, np.float64)[:, 0]
        if (np.diff(given) > 0).all() and not (np.diff(found[:, 0]) > 0).all():
            raise ValueError(
                f"its first column grows from {given[0]} to {given[-1]} by steps that float32 does not tell apart; "
                "count it from an origin nearby, as its first step"
            )
        return found

    none = np.zeros((0, channels), np.float32)
    return Kind(read, none, lambda features: features.Tensor(shape=(None, channels), dtype=np.float32))


def record(first: Any) -> Kind:
    """Columns by name, each of numbers or of texts; what is stored is JSON, since rows may lack columns."""
    kinds: dict[str, str] = {}

    def read(value: Any, root: Path) -> str:
        if not isinstance(value, dict) or not value:
            raise ValueError(f"it is {json.dumps(value):.60}, expected columns with their values")
        for column, cell in value.items():
            if cell is None:
                continue
            if isinstance(cell, bool) or not isinstance(cell, str | int | float):
                raise ValueError(f'"{column}" is {json.dumps(cell):.60}, expected a text or one number')
            if not isinstance(cell, str):
                try:
                    numbers(cell)
                except ValueError as error:
                    raise ValueError(f'"{column}": {error}') from None
            kind = "a text" if isinstance(cell, str) else "a number"
            if kinds.setdefault(column, kind) != kind:
                raise ValueError(f'"{column}" is {json.dumps(cell):.60}, but in an earlier row {kinds[column]}')
        value = {column: None if cell != cell else cell for column, cell in value.items()}  # NaN is no JSON
        there = any(cell not in (None, "") for cell in value.values())
        return json.dumps(value, ensure_ascii=False, sort_keys=True) if there else ""

    return Kind(read, "", lambda features: features.Text())


def video(first: Any) -> Kind:
    """A path; what is stored is what the file holds."""

    def read(value: Any, root: Path) -> bytes:
        path = root / said(value, "a path")
        media.read_video(path, count=1)
        return path.read_bytes()

    return Kind(read, b"", lambda features: features.Tensor(shape=(), dtype=np.bytes_), files=True)


NAMED = {
    "image": picture,
    "sound": sound,
    "video": video,
    "text": text,
    "label": label,
    "labels": labels,
    "target": vector,
}


def said(value: Any, expected: str, empty: bool = False) -> str:
    if not isinstance(value, str) or not (empty or value.strip()):
        raise ValueError(f"it is {json.dumps(value):.60}, expected {expected}")
    return value


def listed(value: Any, expected: str) -> list:
    if not isinstance(value, list):
        raise ValueError(f"it is {json.dumps(value):.60}, expected a list of {expected}")
    return value


def numbers(value: Any) -> np.ndarray:
    """Numbers as float32, null among them as NaN: no reading; ValueError says which is none, and where."""
    told = f"it is {json.dumps(value):.60}, expected numbers"
    if value in ([], [[]]):
        raise ValueError(f"{told}; leave it out, or say null, where there are none")
    for place, one in _leaves(value):
        where = f"{place} is" if place else "it is"
        if isinstance(one, bool | str | dict):
            raise ValueError(f"{where} {json.dumps(one):.60}, expected a number")
        if one is not None and abs(one) > LARGEST:
            raise ValueError(f"{where} {json.dumps(one):.20}, expected a number that float32 holds, or null")
    try:
        return np.asarray(value, np.float64).astype(np.float32)
    except ValueError:
        lengths = {len(one) if isinstance(one, list) else 1 for one in value}
        given = f", and there are {' and '.join(map(str, sorted(lengths)))}" if len(lengths) > 1 else ""
        raise ValueError(f"{told}, in lists of one length{given}") from None


def _leaves(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """What stands in lists of lists, each with its place, such as [3][0]."""
    if not isinstance(value, list):
        yield place, value
        return
    for n, one in enumerate(value):
        yield from _leaves(one, f"{place}[{n}]")
