"""TFDS builder of Fashion-MNIST from its four published files, as Debian's package dataset-fashion-mnist has them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds

from mmjax.data import images
from mmjax.data.fashion import idx

NAMES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
SPLITS = {"train": "train", "test": "t10k"}
DESCRIPTION = """Grey pictures, 28 x 28, of clothes of ten kinds, as many of each in both published splits.

Xiao, Rasul and Vollgraf: Fashion-MNIST, 2017 (arXiv 1708.07747).
"""


class Builder(tfds.core.GeneratorBasedBuilder):
    """The published splits; `name` is the class in words, for models that read it."""

    VERSION = tfds.core.Version("1.0.0")
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "bring a folder, or a .zip of it, with train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz and the same of "
        "t10k, unpacked or not, of https://github.com/zalandoresearch/fashion-mnist or Debian's dataset-fashion-mnist"
    )

    def _info(self) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(
            builder=self,
            description=DESCRIPTION,
            homepage="https://github.com/zalandoresearch/fashion-mnist",
            license="MIT",
            disable_shuffling=True,
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=(None, None, 3), encoding_format="png"),
                    "label": tfds.features.ClassLabel(names=NAMES),
                    "name": tfds.features.Text(),
                }
            ),
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Iterator]:
        found = {split: both(Path(dl_manager.manual_dir), stem) for split, stem in SPLITS.items()}
        return {split: self._generate_examples(*arrays) for split, arrays in found.items()}

    def _generate_examples(self, pictures: np.ndarray, labels: np.ndarray) -> Iterator[tuple[int, dict]]:
        for number, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
            grey = np.repeat(picture[..., None], 3, axis=-1)
            yield number, {"image": images.png(grey), "label": int(label), "name": NAMES[label]}


def both(folder: Path, stem: str) -> tuple[np.ndarray, np.ndarray]:
    """Pictures [N, H, W] and labels [N] of a split.

    Raises:
        FileNotFoundError: one of its files is not there.
        ValueError: one is of another kind, they are not as many, or a label is no class.
    """
    files = located(folder, f"{stem}-images-idx3-ubyte"), located(folder, f"{stem}-labels-idx1-ubyte")
    pictures, labels = idx.read(files[0], 3), idx.read(files[1], 1)
    if len(pictures) != len(labels):
        raise ValueError(f"{files[0]} has {len(pictures):,} pictures, but {files[1].name} {len(labels):,} labels")
    if not len(labels) or labels.max() >= len(NAMES):
        told = f"label {labels.max()}" if len(labels) else "no label"
        raise ValueError(f"{files[1]}: {told}; expected numbers from 0 to {len(NAMES) - 1}")
    return pictures, labels


def located(folder: Path, name: str) -> Path:
    """A file in the folder, or anywhere below it where a package was unpacked; packed or not."""
    for path in (
        folder / f"{name}.gz",
        folder / name,
        *sorted(folder.rglob(f"{name}.gz")),
        *sorted(folder.rglob(name)),
    ):
        if path.is_file():
            return path
    raise FileNotFoundError(f"{folder}: no {name}.gz in it; expected the four published files of Fashion-MNIST")
