"""Fashion-MNIST and ImageNet in small, in the published layouts."""

import gzip
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image


def fashion(root: Path, packed: bool = True) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The four files in a folder; -> {split: (pictures, labels)}: a bright bar in the row of its class."""
    root.mkdir(parents=True)
    rng, told = np.random.default_rng(0), {}
    for split, stem, count in (("train", "train", 40), ("test", "t10k", 20)):
        labels = (np.arange(count) % 10).astype(np.uint8)
        pictures = rng.integers(0, 60, (count, 28, 28)).astype(np.uint8)
        for picture, label in zip(pictures, labels, strict=True):
            picture[2 * label + 4 : 2 * label + 6] = 250
        for kind, values in (("images-idx3", pictures), ("labels-idx1", labels)):
            raw = bytes((0, 0, 8, values.ndim)) + np.array(values.shape, ">u4").tobytes() + values.tobytes()
            name = f"{stem}-{kind}-ubyte"
            (root / (f"{name}.gz" if packed else name)).write_bytes(gzip.compress(raw) if packed else raw)
        told[split] = pictures, labels
    return told


def imagenet(root: Path, names: Sequence[str]) -> Path:
    """Three pictures of each class in train and one in val, each of one colour."""
    for split, count in (("train", 3), ("val", 1)):
        for place, name in enumerate(names):
            folder = root / split / name
            folder.mkdir(parents=True)
            for number in range(count):
                Image.new("RGB", (12, 8 + place), shade(place, number, split)).save(folder / f"{number}.JPEG")
    return root


def shade(place: int, number: int, split: str) -> tuple[int, int, int]:
    """The colour of a class's picture."""
    return 60 * place, 40 * number, 200 if split == "val" else 20
