"""TFDS builder of COCO's pictures with their captions, in the splits that captioning is measured on (Karpathy's)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from mmjax.data import images
from mmjax.data.each import COUNTS
from mmjax.data.json_line import parse

FILE = "dataset_coco.json"
SPLITS = {"train": "train", "restval": "train", "val": "val", "test": "test"}  # as published, and here
DESCRIPTION = """Photographs of everyday scenes, each with five captions by people or a few more.

Lin et al.: Microsoft COCO, 2014 (arXiv 1405.0312); Chen et al.: Microsoft COCO Captions, 2015 (arXiv 1504.00325). The
splits are those of Karpathy and Fei-Fei: Deep Visual-Semantic Alignments, 2015 (arXiv 1412.2306).
"""


class Builder(tfds.core.GeneratorBasedBuilder):
    """A row is a picture with all its captions; `restval`, the rest of COCO's validation pictures, is in train."""

    VERSION = tfds.core.Version("1.1.0")
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        f"bring a folder with {FILE} of https://cs.stanford.edu/people/karpathy/deepimagesent/caption_datasets.zip and "
        "the pictures of https://cocodataset.org/#download, 2014, in its train2014 and val2014"
    )

    def _info(self) -> tfds.core.DatasetInfo:
        features = {
            "image": tfds.features.Image(shape=(None, None, 3)),
            "captions": tfds.features.Sequence(tfds.features.Text()),
            "image_id": np.int64,
        }
        return tfds.core.DatasetInfo(
            builder=self,
            description=DESCRIPTION,
            homepage="https://cocodataset.org/",
            license="captions: CC BY 4.0; pictures: of those who took them",
            disable_shuffling=True,
            metadata=tfds.core.MetadataDict(),
            features=tfds.features.FeaturesDict(features),
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Iterator]:
        found = pictures(Path(dl_manager.manual_dir))
        self.info.metadata[COUNTS] = {split: [len(row["captions"]) for row in rows] for split, rows in found.items()}
        return {split: self._generate_examples(rows) for split, rows in found.items()}

    def _generate_examples(self, rows: Sequence[dict[str, Any]]) -> Iterator[tuple[int, dict]]:
        for number, (row, encoded) in enumerate(zip(rows, images.wholes(row["image"] for row in rows), strict=True)):
            yield number, {**row, "image": encoded}


def pictures(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Of each split that is there its pictures {"image": path, "captions": texts, "image_id": number}.

    Raises:
        ValueError: the file has another layout, a picture no caption, or two the same number.
        FileNotFoundError: there is no such file, or a picture is not there.
    """
    path = folder / FILE
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; it is in caption_datasets.zip of Karpathy's splits")
    try:
        listed = parse(path.read_text("utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: not JSON ({error}); expected the file of caption_datasets.zip") from None
    if not isinstance(listed, dict) or not isinstance(listed.get("images"), list) or not listed["images"]:
        raise ValueError(f'{path}: no list "images" in it; expected the file of caption_datasets.zip')
    found: dict[str, list[dict[str, Any]]] = {}
    seen: set[int] = set()
    for number, one in enumerate(listed["images"]):
        split, row = picture(folder, one, f"{path} image {number}")
        if row["image_id"] in seen:
            raise ValueError(f"{path} image {number}: cocoid {row['image_id']} again; expected each picture once")
        seen.add(row["image_id"])
        found.setdefault(split, []).append(row)
    if "train" not in found:
        raise ValueError(f"{path}: no image is of train or restval, so that there is nothing to learn from")
    return found


def picture(folder: Path, one: Any, name: str) -> tuple[str, dict[str, Any]]:
    """The split and the row of an image as the file tells it; errors as in `pictures` call it by its name."""
    try:
        split, number = SPLITS[one["split"]], int(np.int64(one["cocoid"]))
        path = folder / one["filepath"] / one["filename"]
        captions = [sentence["raw"].strip() for sentence in one["sentences"]]
    except (TypeError, KeyError, ValueError, AttributeError, OverflowError) as error:
        raise ValueError(
            f"{name}: {type(error).__name__} {error}; expected filepath, filename, cocoid, a split of "
            f"{', '.join(SPLITS)}, and sentences with raw"
        ) from None
    captions = [caption for caption in captions if caption]
    if not captions:
        raise ValueError(f"{name}: {one['filename']} has no caption; expected one or more in sentences")
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such picture, but {FILE} names it: bring all of {one['filepath']}")
    return split, {"image": path, "captions": captions, "image_id": number}
