"""TFDS builder of NLVR: is a sentence true of a picture of three boxes? From the published files that one brings.

What a model is chosen by is `held`, about a tenth of the training folders, so that `dev` is not looked at before the
end. A folder is whole on one side: no example is in both with its boxes in another order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from mmjax.data import images
from mmjax.data.nlvr.kinds import KINDS, kind
from mmjax.data.nlvr.lines import LABELS, held_out, read

KEYS = ("sentence", "label", "identifier", "directory")
FILES = ("train", "dev", "test")  # folders, the last of which need not be there
ORDERS = 6  # pictures of an example: its three boxes in every order
SHARE = 10  # one training folder in so many is held out
DESCRIPTION = """Statements by people about three boxes of coloured shapes, each with the boxes in all six orders.

Suhr, Lewis, Yeh and Artzi: A Corpus of Natural Language for Visual Reasoning, ACL 2017 (P17-2034).
"""


class Builder(tfds.core.GeneratorBasedBuilder):
    """`train` and `held` are the published training split, by its folders; `dev` and, where it is there, `test`."""

    VERSION = tfds.core.Version("1.0.0")
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "get https://github.com/lil-lab/nlvr and bring its folder nlvr, with train/train.json, dev/dev.json and the "
        "pictures in train/images/DIRECTORY/ and dev/images/DIRECTORY/, or a .zip of it"
    )

    def _info(self) -> tfds.core.DatasetInfo:
        features = {
            "image": tfds.features.Image(shape=(None, None, 3), encoding_format="png"),
            "sentence": tfds.features.Text(),
            "label": tfds.features.ClassLabel(names=LABELS),
            "kind": tfds.features.ClassLabel(names=KINDS),
            "identifier": tfds.features.Text(),
            "directory": tfds.features.Text(),
            "permutation": tfds.features.Scalar(np.int32),
        }
        return tfds.core.DatasetInfo(
            builder=self,
            description=DESCRIPTION,
            homepage="https://lil.nlp.cornell.edu/nlvr/",
            license="CC BY 4.0",
            disable_shuffling=True,
            features=tfds.features.FeaturesDict(features),
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Iterator]:
        root = folder(Path(dl_manager.manual_dir))
        found = {name: examples(root / name) for name in FILES if (root / name / f"{name}.json").is_file()}
        splits: dict[str, list[dict[str, Any]]] = {"train": [], "held": []}
        for row in found.pop("train"):
            splits["held" if held_out(f"nlvr {row['directory']}", SHARE) else "train"].append(row)
        splits |= found
        return {name: self._generate_examples(rows) for name, rows in splits.items() if rows}

    def _generate_examples(self, rows: Iterable[dict[str, Any]]) -> Iterator[tuple[str, dict]]:
        for row in rows:
            told = {key: row[key] for key in KEYS} | {"kind": kind(row["sentence"])}
            for number, path in enumerate(row["pictures"]):
                image = images.png(images.decode(path))
                yield f"{row['identifier']}-{number}", {**told, "image": image, "permutation": number}


def folder(source: Path) -> Path:
    """Where train and dev lie: in the folder itself or in its nlvr. Raises FileNotFoundError."""
    for path in (source, source / "nlvr", source / "nlvr/nlvr"):
        if all((path / name / f"{name}.json").is_file() for name in FILES[:2]):
            return path
    raise FileNotFoundError(
        f"{source}: no train/train.json and dev/dev.json in it or in its nlvr; expected the layout of "
        "https://github.com/lil-lab/nlvr: bring its folder nlvr"
    )


def examples(path: Path) -> list[dict[str, Any]]:
    """The examples of a split's folder with the paths of their `pictures`.

    Raises:
        ValueError: the file has another layout.
        FileNotFoundError: a picture of it is not there.
    """
    rows = read(path / f"{path.name}.json", KEYS)
    for row in rows:
        stem = path / "images" / row["directory"] / f"{path.name}-{row['identifier']}"
        row["pictures"] = [Path(f"{stem}-{number}.png") for number in range(ORDERS)]
        for picture in row["pictures"]:
            if not picture.is_file():
                raise FileNotFoundError(
                    f"{picture}: no such picture, but {path.name}.json names {row['identifier']!r} in directory "
                    f"{row['directory']!r}: bring all of {path.name}/images"
                )
    return rows
