"""CMU-MOSI and CMU-MOSEI as published, from a folder that the user brings.

- NumPy, as many papers process it: one file a split, `train.npz`, `valid.npz`, `test.npz`, of arrays text [N, L, 300],
  audio [N, L, 74], vision [N, L, 35] (or other widths, and an L for each), labels [N], id [N] and, where there are
  such, emotions [N, 6] from 0 to 3. Steps of zeros before and after are padding.
- Computational sequences, as the CMU-MultimodalSDK gives them: `.csd` files (HDF5) of word vectors, audio, video and
  labels, and `folds.json` {SPLIT: [VIDEO, ...]} or `folds.txt` with a line `SPLIT VIDEO` for each. Audio and video are
  averaged over each word; a row has the words that overlap its segment.

Pickles are refused: to read one is to run what is in it (Zadeh et al. 2016, arXiv 1606.06259; 2018, ACL P18-1208).
"""

from __future__ import annotations

import os
from pathlib import Path

from mmjax.data.mosei.arrays import from_arrays
from mmjax.data.mosei.opinions import MODALITIES, Opinions
from mmjax.data.mosei.sequences import from_sequences

PICKLES = (".pkl", ".pickle", ".pt")


def load(source: str | os.PathLike) -> Opinions:
    """What lies in a folder, in either layout.

    Raises:
        FileNotFoundError: there is no such folder, or a file is missing in it.
        ValueError: a pickle, a file that is not what it should be, or a label out of range; the line names it.
    """
    folder = Path(source)
    if folder.suffix in PICKLES:
        raise ValueError(_refusal(folder))
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder; expected one with .npz or .csd files of MOSI or MOSEI")
    for suffix, read in ((".npz", from_arrays), (".csd", from_sequences)):
        files = sorted(path for path in folder.iterdir() if path.suffix == suffix)
        if files:
            return read(files)
    pickles = sorted(path for path in folder.iterdir() if path.suffix in PICKLES)
    if pickles:
        raise ValueError(_refusal(pickles[0]))
    raise FileNotFoundError(
        f"{folder}: no .npz and no .csd file in it; see mmjax/data/mosei/folder.py for both layouts"
    )


def check(found: Opinions, folder: str | os.PathLike) -> None:
    """Raises ValueError unless there are rows to train and to test with, of one form, and none is in two splits."""
    lacking = [split for split in ("train", "test") if not found.splits.get(split)]
    if lacking:
        there = ", ".join(f"{split} {len(rows):,}" for split, rows in found.splits.items()) or "no split"
        why = "".join(f", {count:,} left out: {reason}" for reason, count in sorted(found.dropped.items()))
        raise ValueError(f"{folder}: no row of the split {lacking[0]!r}; it has {there} rows{why}")
    held: dict[str, str] = {}
    for split, rows in found.splits.items():
        for row in rows:
            if (first := held.setdefault(row["id"], split)) != split:
                raise ValueError(f"{folder}: {row['id']!r} is in {first} and in {split}; expected it in one split")
    widths: dict[str, tuple[int, str]] = {}
    for split, rows in found.splits.items():
        for name in MODALITIES if rows else ():
            width = rows[0][name].shape[-1]
            before, first = widths.setdefault(name, (width, split))
            if width != before:
                raise ValueError(f"{folder}: {name} has width {before} in {first} and {width} in {split}; expected one")


def _refusal(path: Path) -> str:
    return (
        f"{path}: a pickle, which can run any code when it is read, is not opened; where you trust it, save each "
        "split's arrays by numpy.savez('SPLIT.npz', text=..., audio=..., vision=..., labels=..., id=...)"
    )
