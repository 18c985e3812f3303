"""TFDS builder of VQAv2 from the published files and photographs that one brings: a row for each photograph."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from mmjax.data import images
from mmjax.data.each import COUNTS
from mmjax.data.vqav2.files import QUESTION, answered, read
from mmjax.data.vqav2.normal import normal

HELD = 1000  # pictures of val
DESCRIPTION = """Questions about photographs of COCO, each answered by ten people.

Goyal, Khot, Summers-Stay, Batra and Parikh: Making the V in VQA Matter, 2017 (arXiv 1612.00837).
"""
QUESTIONS, ANNOTATIONS = "v2_OpenEnded_mscoco_{}_questions.json", "v2_mscoco_{}_annotations.json"
ANSWERED, ASKED = ("train2014", "val2014"), {"test": "test2015", "test_dev": "test-dev2015"}


class Builder(tfds.core.GeneratorBasedBuilder):
    """`train` are the published train and val but for a thousand pictures of val, which are `held`.

    A row is a picture with its `questions`, and ten `answers` for each as they are compared (`vqav2.normal`), none in
    `test` and `test_dev`, which are there where their questions are. The metadata says, in the order of the published
    files, how often each answer is the one that most gave, over train and val.
    """

    VERSION = tfds.core.Version("2.0.0")
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        f"bring a folder with {QUESTIONS.format('train2014')}, {ANNOTATIONS.format('train2014')} and the same of "
        "val2014, of https://visualqa.org (in it or in its vqa), and the photographs of https://cocodataset.org in "
        f"train2014 and val2014; {QUESTIONS.format('test2015')} and test2015 may be there too"
    )

    def _info(self) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(
            builder=self,
            description=DESCRIPTION,
            homepage="https://visualqa.org",
            license="CC BY 4.0, without the photographs",
            disable_shuffling=True,
            metadata=tfds.core.MetadataDict(),
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=(None, None, 3)),
                    "image_id": np.int64,
                    "questions": tfds.features.Sequence(tfds.features.Text()),
                    "question_ids": tfds.features.Sequence(np.int64),
                    "answers": tfds.features.Sequence(tfds.features.Text()),
                }
            ),
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Iterator]:
        found, times = examples(Path(dl_manager.manual_dir))
        self.info.metadata["answers"] = [[answer, count] for answer, count in times.items()]
        self.info.metadata[COUNTS] = {split: [len(row["questions"]) for row in rows] for split, rows in found.items()}
        return {split: self._generate_examples(rows) for split, rows in found.items()}

    def _generate_examples(self, rows: Sequence[Mapping[str, Any]]) -> Iterator[tuple[int, dict]]:
        for row, encoded in zip(rows, images.wholes(row["image"] for row in rows), strict=True):
            yield row["image_id"], {**row, "image": encoded}


def examples(root: Path) -> tuple[dict[str, list[dict[str, Any]]], Counter]:
    """Of each split its examples, `image` being a path; and how often each answer is the one that most gave.

    Raises:
        ValueError: a file has another layout, or a question no annotation.
        FileNotFoundError: a file or a photograph is not there.
    """
    splits: dict[str, list[dict[str, Any]]] = {}
    times: Counter = Counter()
    for published in ANSWERED:
        path = located(root, QUESTIONS.format(published))
        asked = read(path, "questions", QUESTION)
        answers = answered(located(root, ANNOTATIONS.format(published)), path, asked)
        times.update(normal(one["answer"]) for one in answers.values())
        splits[published] = rows(root, published, path, asked, answers)
    splits = {"train": splits["train2014"], "held": [], "val": splits["val2014"]}
    held = held_out({row["image_id"] for row in splits["val"]})
    for row in splits.pop("val"):
        splits["held" if row["image_id"] in held else "train"].append(row)
    for split, published in ASKED.items():
        path = located(root, QUESTIONS.format(published), must=False)
        if path is not None:
            splits[split] = rows(root, "test2015", path, read(path, "questions", QUESTION), {})
    return splits, times


def rows(
    root: Path,
    published: str,
    path: Path,
    asked: Mapping[int, Mapping[str, Any]],
    answers: Mapping[int, Mapping[str, Any]],
) -> list[dict[str, Any]]:
    found, there = {}, {image.name for image in (root / published).glob("*.jpg")}
    for number, row in asked.items():
        image = root / published / f"COCO_{published}_{row['image_id']:012}.jpg"
        if image.name not in there:
            raise FileNotFoundError(
                f"{image}: no such photograph, but {path.name} asks about it; bring all of {published}"
            )
        said = [normal(one) for one in answers[number]["answers"]] if number in answers else []
        empty = {"image": image, "image_id": row["image_id"], "questions": [], "question_ids": [], "answers": []}
        here = found.setdefault(row["image_id"], empty)
        here["questions"].append(row["question"])
        here["question_ids"].append(row["question_id"])
        here["answers"] += said
    return list(found.values())


def held_out(pictures: Iterable[int]) -> set[int]:
    """HELD of the pictures; their numbers alone decide."""
    return set(sorted(pictures, key=lambda number: hashlib.sha256(str(number).encode()).digest())[:HELD])


def located(root: Path, name: str, must: bool = True) -> Path | None:
    """Where a file is. Raises FileNotFoundError where it is not, but must be."""
    path = next((folder / name for folder in (root, root / "vqa") if (folder / name).is_file()), None)
    if path is None and must:
        raise FileNotFoundError(f"{root}: no {name} in it or in its vqa; expected the files of https://visualqa.org")
    return path
