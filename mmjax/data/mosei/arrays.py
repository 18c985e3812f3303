"""MOSI and MOSEI as NumPy arrays, one file a split, with zeros before and after what is real."""

from __future__ import annotations

import zipfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from mmjax.data.mosei.opinions import EMOTIONS, MODALITIES, Opinions, checked, seen


def from_arrays(files: list[Path]) -> Opinions:
    """Files of arrays text, audio, vision [N, L, C], labels [N], id [N] and, where there are such, emotions [N, 6] as
    rows; a file's name is its split."""
    splits, repaired, dropped = {}, Counter(), Counter()
    for path in files:
        arrays = _arrays(path)
        repaired.update({name: int((~np.isfinite(arrays[name])).sum()) for name in MODALITIES})
        values = {name: np.where(np.isfinite(arrays[name]), arrays[name], 0) for name in MODALITIES}
        rows = []
        for n, (name, label) in enumerate(zip(arrays["id"].tolist(), arrays["labels"].tolist(), strict=True)):
            name = name.decode() if isinstance(name, bytes) else str(name)
            if np.isnan(label):
                dropped["no label"] += 1
                continue
            steps = _unpadded({modality: values[modality][n] for modality in MODALITIES})
            told = {"label": checked(label, path, name), "emotions": seen(arrays["emotions"][n])}
            rows.append({"id": name, **steps, **told})
        splits[path.stem] = rows
    return Opinions(splits, dict(repaired), dict(dropped))


def _arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a file: modalities [N, L, C] as float32, labels [N], id [N] and emotions [N, 6]."""
    try:
        with np.load(path, allow_pickle=False) as file:
            if not isinstance(file, np.lib.npyio.NpzFile):
                raise ValueError("one array alone, as .npy has it; save them by numpy.savez")
            found = {name: file[name] for name in file.files}
    except (ValueError, OSError, EOFError, TypeError, zipfile.BadZipFile) as error:
        objects = "Object arrays" in str(error)
        reason = "an array of Python objects, which is a pickle; save plain arrays" if objects else f"{error}"
        raise ValueError(f"{path}: not readable ({reason})") from error
    absent = [name for name in (*MODALITIES, "labels", "id") if name not in found]
    if absent:
        raise ValueError(f"{path}: no array {absent[0]!r}; it has {', '.join(found)}")
    for name, value in found.items():
        if not isinstance(value, np.ndarray) or not value.ndim:
            raise ValueError(f"{path}: {name} is no array of rows; save plain arrays by numpy.savez")
    count = len(found["id"])
    for name in MODALITIES:
        value = found[name]
        if value.ndim != 3 or len(value) != count or not np.issubdtype(value.dtype, np.number):
            raise ValueError(f"{path}: {name} is {value.dtype} {value.shape}; expected numbers [{count}, L, C]")
        found[name] = value.astype(np.float32)
    if found["labels"].size != count or not np.issubdtype(found["labels"].dtype, np.number):
        kind = f"{found['labels'].dtype} {found['labels'].shape}"
        raise ValueError(f"{path}: labels are {kind}; expected one number for each of {count}")
    if found["id"].ndim > 1:  # video, start and end, as some files have it
        parts = found["id"].reshape(count, -1).astype(str).tolist()
        found["id"] = np.array(["_".join(row) for row in parts])
    emotions = found.get("emotions", np.full((count, len(EMOTIONS)), np.nan))
    if emotions.shape != (count, len(EMOTIONS)) or not np.issubdtype(emotions.dtype, np.number):
        raise ValueError(
            f"{path}: emotions are {emotions.dtype} {emotions.shape}; expected numbers [{count}, {len(EMOTIONS)}]"
        )
    return {**found, "labels": found["labels"].reshape(count).astype(np.float64), "emotions": emotions}


def _unpadded(steps: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Series without the zeros around them, cut alike where they are equally long; what is all zeros has no steps."""
    out = {}
    for name, value in steps.items():
        alike = [other for other in steps.values() if len(other) == len(value)]
        real = np.flatnonzero(np.any([other.any(axis=1) for other in alike], axis=0))
        out[name] = value[real[0] : real[-1] + 1] if value.any() else value[:0]
    return out
