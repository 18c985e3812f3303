"""A computational sequence of the CMU-MultimodalSDK, an HDF5 file: ROOT/data/VIDEO/{intervals, features}."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np

# What the names of files hold, without underscores.
NAMES = {
    "text": ("wordvectors", "glove", "bert"),
    "audio": ("covarep", "opensmile", "acoustic", "audio"),
    "vision": ("facet", "openface", "visual", "vision"),
    "labels": ("label",),
}


class SequenceFile:
    """An open file with the intervals [n, 2] in seconds and the features [n, C] of each video."""

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
        absent = [name for name in ("intervals", "features") if name not in entry]
        if absent:
            raise ValueError(f"{self.path}: {video} has no {absent[0]}; expected intervals [n, 2] and features [n, C]")
        intervals, features = (np.asarray(entry[name]) for name in ("intervals", "features"))
        shape = (len(features), self.width)
        if intervals.shape != (len(features), 2) or features.size != shape[0] * shape[1]:
            raise ValueError(
                f"{self.path}: {video} has intervals {intervals.shape} and features {features.shape}; expected "
                f"[n, 2] and [n, {self.width}]"
            )
        return intervals.astype(np.float64), features.reshape(shape).astype(np.float32)


def roles(files: list[Path]) -> dict[str, Path]:
    """Which file holds what, by its name; FileNotFoundError or ValueError where that is not one for each."""
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
