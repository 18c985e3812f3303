"""MOSI and MOSEI as computational sequences: what was heard and seen is averaged over each word that was said."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from mmjax.data.mosei.folds import read_folds
from mmjax.data.mosei.opinions import MODALITIES, Opinions, Row, checked, seen
from mmjax.data.mosei.sequence_file import SequenceFile, roles

SHORTEST = 1e-5  # seconds; what is shorter, or overlaps by less, does not count


def from_sequences(files: list[Path]) -> Opinions:
    """The .csd files of one folder, and its folds, as rows: the words that overlap a labelled segment."""
    paths, folds = roles(files), read_folds(files[0].parent)
    splits: dict[str, list[Row]] = {split: [] for split in dict.fromkeys(folds.values())}
    repaired, dropped = Counter(dict.fromkeys(MODALITIES, 0)), Counter()
    with contextlib.ExitStack() as stack:
        opened = {role: SequenceFile(stack, path) for role, path in paths.items()}
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
                row |= {"label": checked(label, paths["labels"], row["id"]), "emotions": seen(labels[i, 1:])}
                splits[folds[video]].append(row)
    return Opinions(splits, dict(repaired), dict(dropped))


def _words(video: str, opened: Mapping[str, SequenceFile], repaired: Counter[str]) -> tuple[np.ndarray, dict]:
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
