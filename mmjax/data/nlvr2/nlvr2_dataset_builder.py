"""TFDS builder of NLVR2: is a sentence true of a pair of photographs? From the published files that one brings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds

from mmjax.data import images
from mmjax.data.nlvr.lines import LABELS, read

KEYS = ("sentence", "label", "identifier")
SPLITS = ("train", "dev", "test1")
DESCRIPTION = """Statements by people about two photographs, each with several pairs of which it is true or false.

Suhr, Zhou, Zhang, Zhang, Bai and Artzi: A Corpus for Reasoning About Natural Language Grounded in Photographs, 2019
(arXiv 1811.00491).
"""


class Builder(tfds.core.GeneratorBasedBuilder):
    """The published splits that are there: `image` is the left photograph and the right one.

    A sentence is right where all its rows are (`group`, for consistency).
    """

    VERSION = tfds.core.Version("1.0.0")
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "bring a folder, or a .zip of it, with train.json, dev.json and test1.json of "
        "https://github.com/lil-lab/nlvr/tree/master/nlvr2/data (in it or in its data) and the photographs, which its "
        "authors send, in images/train/DIRECTORY, images/dev and images/test1"
    )

    def _info(self) -> tfds.core.DatasetInfo:
        features = {
            "image": tfds.features.Sequence(tfds.features.Image(shape=(None, None, 3))),
            "sentence": tfds.features.Text(),
            "label": tfds.features.ClassLabel(names=LABELS),
            "identifier": tfds.features.Text(),
            "group": tfds.features.Text(),
        }
        return tfds.core.DatasetInfo(
            builder=self,
            description=DESCRIPTION,
            homepage="https://lil.nlp.cornell.edu/nlvr/",
            license="CC BY 4.0, without the photographs",
            disable_shuffling=True,
            features=tfds.features.FeaturesDict(features),
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Iterator]:
        found = examples(Path(dl_manager.manual_dir))
        return {split: self._generate_examples(rows) for split, rows in found.items()}

    def _generate_examples(self, rows: Sequence[dict[str, Any]]) -> Iterator[tuple[str, dict]]:
        encoded = images.wholes(path for row in rows for path in row["image"])
        for row in rows:
            pair = [next(encoded) for _ in row["image"]]
            yield row["identifier"], {**{key: row[key] for key in KEYS}, "image": pair, "group": row["sentence"]}


def examples(source: Path) -> dict[str, list[dict[str, Any]]]:
    """Of each split that is there its examples, `image` being the paths of the left one and the right one.

    Raises:
        ValueError: a file has another layout.
        FileNotFoundError: no split, or a photograph is not there.
    """
    for root in (source, source / "nlvr2"):
        places = [(split, root / place / f"{split}.json") for split in SPLITS for place in ("data", "")]
        files = {split: path for split, path in places if path.is_file()}
        if files:
            return {split: [paired(root, split, row) for row in read(path, KEYS)] for split, path in files.items()}
    raise FileNotFoundError(
        f"{source}: none of {', '.join(f'{split}.json' for split in SPLITS)} in it, its data or its nlvr2; expected "
        "the layout of https://github.com/lil-lab/nlvr/tree/master/nlvr2"
    )


def paired(root: Path, split: str, row: dict[str, Any]) -> dict[str, Any]:
    """An example with its two photographs, which are called by its identifier without the sentence's number."""
    stem = row["identifier"].rpartition("-")[0]
    within = str(row.get("directory", ""))
    folders = [root / base / split / inner for base in ("images", "") for inner in (within, "")]
    for folder in folders:
        pair = [folder / f"{stem}-img{number}.png" for number in range(2)]
        if all(path.is_file() for path in pair):
            return {**row, "image": pair}
    raise FileNotFoundError(
        f"{folders[0] / stem}-img0.png or -img1.png: no such photograph, but {split}.json names {row['identifier']!r}: "
        f"bring all of images/{split}"
    )
