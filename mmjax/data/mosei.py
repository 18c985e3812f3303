"""CMU-MOSI and CMU-MOSEI as published: text, audio and video of spoken opinions, with a sentiment from -3 to 3.

Two layouts are read, from a folder that the user brings:

- NumPy, as many papers process it: one file a split, `train.npz`, `valid.npz`, `test.npz`, of arrays text [N, L, 300],
  audio [N, L, 74], vision [N, L, 35] (or other widths, and an L for each), labels [N] and id [N]. Steps of zeros
  before and after are padding.
- Computational sequences, as the CMU-MultimodalSDK gives them: `.csd` files (HDF5) of word vectors, audio, video and
  labels, and `folds.json` {SPLIT: [VIDEO, ...]} or `folds.txt` with a line `SPLIT VIDEO` for each. Audio and video are
  averaged over each word; a row has the words that overlap its segment.

Pickles are refused: to read one is to run what is in it (Zadeh et al. 2016, arXiv 1606.06259; 2018, ACL P18-1208).
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

MODALITIES = ("text", "audio", "vision")
LOWEST, HIGHEST = -3, 3
SHORTEST = 1e-5  # seconds; what is shorter, or overlaps by less, does not count
# What the names of files hold, without underscores.
NAMES = {
    "text": ("wordvectors", "glove", "bert"),
    "audio": ("covarep", "opensmile", "acoustic", "audio"),
    "vision": ("facet", "openface", "visual", "vision"),
    "labels": ("label",),
}
Row = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Mosei:
    """Rows {"id": str, "text", "audio", "vision": [T, C] float32, "label": float} of each split.

    Where all three have one L, or come from computational sequences, step t of one is step t of the others. A modality
    that a row lacks has no steps.

    Args:
        splits: the rows, by split.
        repaired: how many numbers of each modality were no finite ones and are 0 now.
        dropped: how many segments were left out, by the reason.
    """

    splits: dict[str, list[Row]]
    repaired: dict[str, int]
    dropped: dict[str, int]


def load(source: str | os.PathLike) -> Mosei:
    """What lies in a folder, in either layout.

    Raises:
        FileNotFoundError: there is no such folder, or a file is missing in it.
        ValueError: a pickle, a file that is not what it should be, or a label out of range; the line names it.
    """
    folder = Path(source)
    if folder.suffix in (".pkl", ".pickle", ".pt"):
        raise ValueError(_refusal(folder))
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder; expected one with .npz or .csd files of MOSI or MOSEI")
    for suffix, read in ((".npz", _from_arrays), (".csd", _from_sequences)):
        files = sorted(path for path in folder.iterdir() if path.suffix == suffix)
        if files:
            return read(files)
    pickles = sorted(path for path in folder.iterdir() if path.suffix in (".pkl", ".pickle", ".pt"))
    if pickles:
        raise ValueError(_refusal(pickles[0]))
    raise FileNotFoundError(f"{folder}: no .npz and no .csd file in it; see mmjax/data/mosei.py for both layouts")


def _refusal(path: Path) -> str:
    return (
        f"{path}: a pickle, which can run any code when it is read, is not opened; where you trust it, save each "
        "split's arrays by numpy.savez('SPLIT.npz', text=..., audio=..., vision=..., labels=..., id=...)"
    )


def _from_arrays(files: list[Path]) -> Mosei:
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
            rows.append({"id": name, **steps, "label": _checked(label, path, name)})
        splits[path.stem] = rows
    return Mosei(splits, dict(repaired), dict(dropped))


def _arrays(path: Path) -> dict[str, np.ndarray]:
    """The five arrays of a file: modalities [N, L, C] as float32, labels [N] and id [N]."""
    try:
        with np.load(path, allow_pickle=False) as file:
            found = {name: file[name] for name in file.files}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        objects = "Object arrays" in str(error)
        reason = "an array of Python objects, which is a pickle; save plain arrays" if objects else f"{error}"
        raise ValueError(f"{path}: not readable ({reason})") from error
    absent = [name for name in (*MODALITIES, "labels", "id") if name not in found]
    if absent:
        raise ValueError(f"{path}: no array {absent[0]!r}; it has {', '.join(found)}")
    count = len(found["id"])
    for name in MODALITIES:
        value = found[name]
        if value.ndim != 3 or len(value) != count or not np.issubdtype(value.dtype, np.number):
            raise ValueError(f"{path}: {name} is {value.dtype} {value.shape}; expected numbers [{count}, L, C]")
        found[name] = value.astype(np.float32)
    if found["labels"].size != count or not np.issubdtype(found["labels"].dtype, np.number):
        raise ValueError(f"{path}: labels have shape {found['labels'].shape}; expected one number for each of {count}")
    if found["id"].ndim > 1:  # video, start and end, as some files have it
        parts = found["id"].reshape(count, -1).astype(str).tolist()
        found["id"] = np.array(["_".join(row) for row in parts])
    return {**found, "labels": found["labels"].reshape(count).astype(np.float64)}


def _unpadded(steps: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Series without the zeros around them, cut alike where they are equally long; what is all zeros has no steps."""
    out = {}
    for name, value in steps.items():
        alike = [other for other in steps.values() if len(other) == len(value)]
        real = np.flatnonzero(np.any([other.any(axis=1) for other in alike], axis=0))
        out[name] = value[real[0] : real[-1] + 1] if value.any() else value[:0]
    return out


def _from_sequences(files: list[Path]) -> Mosei:
    paths, folds = _roles(files), _folds(files[0].parent)
    splits: dict[str, list[Row]] = {split: [] for split in dict.fromkeys(folds.values())}
    repaired, dropped = Counter(dict.fromkeys(MODALITIES, 0)), Counter()
    with contextlib.ExitStack() as stack:
        opened = {role: _Sequence(stack, path) for role, path in paths.items()}
        for video in sorted(opened["labels"].videos):
            segments, labels = opened["labels"].read(video)
            if video not in folds:
                dropped["no fold"] += len(segments)
                continue
            words, steps = _words(video, opened, repaired)
            for i, (segment, label) in enumerate(zip(segments, labels[:, 0].tolist(), strict=True)):
                spoken = _overlapping(words, segment)
                if np.isnan(label) or not spoken.any():
                    dropped["no label" if np.isnan(label) else "no words"] += 1
                    continue
                row = {"id": f"{video}[{i}]"}
                row |= {
                    name: values[spoken] if found[spoken].any() else values[:0]
                    for name, (values, found) in steps.items()
                }
                splits[folds[video]].append({**row, "label": _checked(label, paths["labels"], row["id"])})
    return Mosei(splits, dict(repaired), dict(dropped))


def _words(video: str, opened: Mapping[str, _Sequence], repaired: Counter[str]) -> tuple[np.ndarray, dict]:
    """When the words of a video are said [W, 2], and of each modality (a value for each word [W, C], is there one [W]).

    Numbers that are not finite are counted in `repaired` and become 0.
    """
    read = {}
    for name in MODALITIES:
        intervals, values = opened[name].read(video)
        order = np.argsort(intervals[:, 0], kind="stable")
        repaired[name] += int((~np.isfinite(values)).sum())
        read[name] = intervals[order], np.where(np.isfinite(values), values, 0)[order]
    words, vectors = read["text"]
    lasting = words[:, 1] - words[:, 0] >= SHORTEST
    words, vectors = words[lasting], vectors[lasting]
    steps = {name: _averaged(words, *read[name]) for name in ("audio", "vision")}
    return words, {"text": (vectors, np.ones(len(words), bool)), **steps}


class _Sequence:
    """An open computational sequence: ROOT/data/VIDEO/{intervals [n, 2], features [n, C]}."""

    def __init__(self, stack: contextlib.ExitStack, path: Path):
        try:
            import h5py
        except ImportError as error:
            raise ValueError(f"{path}: .csd files are HDF5, which needs h5py: pip install 'mmjax[media]'") from error
        try:
            file = stack.enter_context(h5py.File(path, "r"))
            self.videos = next(iter(file.values()))["data"]
            first = next(iter(self.videos.values()))["features"]
        except (OSError, KeyError, StopIteration, TypeError, AttributeError) as error:
            raise ValueError(f"{path}: no computational sequence, ROOT/data/VIDEO/features ({error})") from error
        if not np.issubdtype(first.dtype, np.number):
            raise ValueError(f"{path}: its features are {first.dtype}, expected numbers, such as word vectors")
        self.path, self.width = path, int(np.prod(first.shape[1:]))

    def read(self, video: str) -> tuple[np.ndarray, np.ndarray]:
        """Intervals [n, 2] in seconds and features [n, C] float32, as they stand; n = 0 for another video."""
        if video not in self.videos:
            return np.zeros((0, 2)), np.zeros((0, self.width), np.float32)
        entry = self.videos[video]
        intervals, features = (np.asarray(entry[name]) for name in ("intervals", "features"))
        shape = (len(features), self.width)
        if intervals.shape != (len(features), 2) or features.size != shape[0] * shape[1]:
            raise ValueError(
                f"{self.path}: {video} has intervals {intervals.shape} and features {features.shape}; expected "
                f"[n, 2] and [n, {self.width}]"
            )
        return intervals.astype(np.float64), features.reshape(shape).astype(np.float32)


def _averaged(times: np.ndarray, intervals: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """[W, C], the mean of the values that overlap each of W times, 0 where there is none; and where there is, [W].

    Intervals are in the order in which they start.
    """
    out, found = np.zeros((len(times), values.shape[1]), np.float32), np.zeros(len(times), bool)
    # The latest end so far tells from where on intervals can overlap a time, their starts up to where.
    ends = np.maximum.accumulate(intervals[:, 1]) if len(intervals) else intervals[:, 1]
    firsts = np.searchsorted(ends, times[:, 0] + SHORTEST, side="right")
    lasts = np.searchsorted(intervals[:, 0], times[:, 1] - SHORTEST, side="left")
    for w, (first, last) in enumerate(zip(firsts, lasts, strict=True)):
        inside = values[first:last][_overlapping(intervals[first:last], times[w])]
        if len(inside):
            out[w], found[w] = inside.mean(axis=0), True
    return out, found


def _overlapping(intervals: np.ndarray, time: np.ndarray) -> np.ndarray:
    """[n] bool: which intervals [n, 2] share more than an instant with a time [2]."""
    return (intervals[:, 0] < time[1] - SHORTEST) & (intervals[:, 1] > time[0] + SHORTEST)


def _roles(files: list[Path]) -> dict[str, Path]:
    """Which file holds what, by its name."""
    found = {}
    for role, parts in NAMES.items():
        named = [path for path in files if any(part in path.stem.lower().replace("_", "") for part in parts)]
        if not named:
            raise FileNotFoundError(
                f"{files[0].parent}: no .csd file of {role}; its name would hold one of {', '.join(parts)}"
            )
        if len(named) > 1:
            raise ValueError(f"{named[0]} and {named[1].name} could both be the {role}: keep one of them there")
        found[role] = named[0]
    return found


def _folds(folder: Path) -> dict[str, str]:
    """The split of each video."""
    folds: dict[str, str] = {}
    for split, video in _listed(folder):
        if folds.setdefault(video, split) != split:
            raise ValueError(f"{folder}: the video {video} is in the splits {folds[video]} and {split}; expected one")
    return folds


def _listed(folder: Path) -> Iterator[tuple[str, str]]:
    table, lines = folder / "folds.json", folder / "folds.txt"
    if table.is_file():
        try:
            told = json.loads(table.read_text()).items()
            yield from ((split, str(video)) for split, videos in told for video in videos)
        except (ValueError, AttributeError, TypeError) as error:
            raise ValueError(f"{table}: not of the form {{SPLIT: [VIDEO, ...]}} ({error})") from error
    elif lines.is_file():
        for number, line in enumerate(lines.read_text().splitlines(), 1):
            if line.strip():
                if len(line.split()) != 2:
                    raise ValueError(f"{lines}:{number}: {line.strip()!r}; expected SPLIT VIDEO")
                split, video = line.split()
                yield split, video
    else:
        raise FileNotFoundError(
            f"{folder}: neither folds.json nor folds.txt in it; write the standard folds as {{SPLIT: [VIDEO, ...]}}"
        )


def _checked(label: float, path: Path, name: str) -> float:
    if not LOWEST <= label <= HIGHEST:
        raise ValueError(f"{path}: {name} has the label {label:g}; expected a number from {LOWEST} to {HIGHEST}")
    return label
