"""TFDS builder of pictures in folders by their classes: train/CLASS/PICTURE and val/CLASS/PICTURE, as of ImageNet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import tensorflow_datasets as tfds

from mmjax.data import images, json_line
from mmjax.data.label import CLASSES, ordered

SPLITS = ("train", "val")
NAMES = "LOC_synset_mapping.txt"
LAYOUT = "expected train/CLASS/PICTURE and val/CLASS/PICTURE"
KINDS = (".jpeg", ".jpg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif")
DESCRIPTION = """Pictures of classes, such as ImageNet-1k: 1,281,167 to learn from and 50,000 of val.

Russakovsky et al.: ImageNet Large Scale Visual Recognition Challenge, 2015 (arXiv 1409.0575).
"""


class Builder(tfds.core.GeneratorBasedBuilder):
    """The splits train and val. `label` is a class as its folder is called, and `name` the same in words."""

    VERSION = tfds.core.Version("1.1.0")
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "bring a folder with train/CLASS/PICTURE and val/CLASS/PICTURE, of any number of classes; ImageNet-1k is at "
        "https://image-net.org, with pictures of val to be moved into folders by their published labels first; "
        f"{NAMES} beside them, of lines such as 'n01440764 tench, Tinca tinca', says classes in words"
    )

    def _info(self) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(
            builder=self,
            description=DESCRIPTION,
            homepage="https://image-net.org",
            license="as https://image-net.org says",
            disable_shuffling=True,
            metadata=tfds.core.MetadataDict(),
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=(None, None, 3)),
                    "label": tfds.features.Text(),
                    "name": tfds.features.Text(),
                }
            ),
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Iterator]:
        root = Path(dl_manager.manual_dir)
        found = pictures(root)
        words = named(root, list(found["train"]))
        self.info.metadata[CLASSES] = {"label": ordered(found["train"])}
        return {split: self._generate_examples(classes, words) for split, classes in found.items()}

    def _generate_examples(
        self, classes: Mapping[str, list[Path]], words: Mapping[str, str]
    ) -> Iterator[tuple[str, dict]]:
        for label, paths in classes.items():
            for path, encoded in zip(paths, images.wholes(paths), strict=True):
                yield f"{label}/{path.name}", {"image": encoded, "label": label, "name": words[label]}


def pictures(root: Path) -> dict[str, dict[str, list[Path]]]:
    """{split: {class: its pictures}}, all sorted by their names.

    Raises:
        FileNotFoundError: a split or its pictures are not there.
        ValueError: val has a class that train has not.
    """
    found = {}
    for split in SPLITS:
        folder = root / split
        if not folder.is_dir():
            raise FileNotFoundError(f"{root}: no folder {split} in it; {LAYOUT}")
        classes = {one.name: seen(one) for one in sorted(folder.iterdir()) if one.is_dir() and not hidden(one)}
        if not classes:
            raise FileNotFoundError(
                f"{folder}: no folder of a class in it; {LAYOUT}: move pictures into folders by class"
            )
        found[split] = classes
    for label, paths in found["train"].items():
        if not paths:
            raise FileNotFoundError(f"{root / 'train' / label}: no picture in it ({', '.join(KINDS)})")
    strange = [label for label in found["val"] if label not in found["train"]]
    if strange:
        raise ValueError(
            f"{root / 'val' / strange[0]}: train has no class {strange[0]!r}; both splits have the same ones"
        )
    if not any(found["val"].values()):
        raise FileNotFoundError(f"{root / 'val'}: no picture in its folders ({', '.join(KINDS)})")
    return found


def seen(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in KINDS and not hidden(path))


def hidden(path: Path) -> bool:
    """Whether a system has left it there, such as ._0.JPEG or .ipynb_checkpoints."""
    return path.name.startswith(".")


def named(root: Path, labels: list[str]) -> dict[str, str]:
    """Each class in words: the first of those that the file has for it, or the folder's own.

    Raises:
        ValueError: the file lacks a class, or is no UTF-8.
    """
    path = root / NAMES
    if not path.is_file():
        return {label: label.replace("_", " ") for label in labels}
    told = [line.partition(" ") for line in json_line.lines(path)]
    words = {label: names.partition(",")[0].strip() for label, _, names in told}
    for label in labels:
        if not words.get(label):
            raise ValueError(
                f"{path}: no line for the class {label!r}; expected one such as '{label} NAME, OTHER NAME'"
            )
    return words
