"""TFDS builder of easy-VQA: the wheel's files as rows (image, question, answer, caption, image_id)."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds

from mmjax.data import installed

COLOURS = ("red", "green", "blue", "yellow", "teal", "brown", "gray", "black")
SHAPES = ("circle", "rectangle", "triangle")
DESCRIPTION = """Small pictures of one coloured shape each, with questions about its shape and colour.

Images are 64 x 64 PNG; 13 answers; no picture is in both splits. https://github.com/vzhou842/easy-VQA
"""


class Builder(tfds.core.GeneratorBasedBuilder):
    """The official splits: 38,575 and 9,673 questions about 4,000 and 1,000 pictures."""

    VERSION = tfds.core.Version("1.1.0")  # 1.1.0: captions

    def _info(self) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(
            builder=self,
            description=DESCRIPTION,
            homepage="https://github.com/vzhou842/easy-VQA",
            license="MIT",
            disable_shuffling=True,  # a picture's rows stay together; Grain shuffles pictures
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=(None, None, 3), encoding_format="png"),
                    "question": tfds.features.Text(),
                    "answer": tfds.features.Text(),
                    "caption": tfds.features.Text(),
                    "image_id": np.int64,
                }
            ),
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Iterator]:
        folder = wheel()
        return {split: self._generate_examples(folder / split) for split in ("train", "test")}

    def _generate_examples(self, folder: Path) -> Iterator[tuple[int, dict]]:
        questions = json.loads((folder / "questions.json").read_text())
        asked = defaultdict(list)
        for question, answer, picture in questions:
            asked[picture].append((question, answer))
        for row, (question, answer, picture) in enumerate(questions):
            yield (
                row,
                {
                    "image": (folder / "images" / f"{picture}.png").read_bytes(),
                    "question": question,
                    "answer": answer,
                    "caption": caption(asked[picture]),
                    "image_id": picture,
                },
            )


def caption(asked: Sequence[tuple[str, str]]) -> str:
    """What a picture's questions and answers say of it: "a teal triangle", or as much of that as they say."""
    colour, shape = (next(filter(None, (said(names, *pair) for pair in asked)), None) for names in (COLOURS, SHAPES))
    return f"a {colour} {shape or 'shape'}" if colour else f"a {shape or 'shape'}"


def said(names: Sequence[str], question: str, answer: str) -> str | None:
    """Which of the names is true of the picture, by one question, if it says so."""
    if answer in names:
        return answer
    words = question.rstrip("?").split()
    denied = {"not", "no"} & set(words)
    if answer == ("no" if denied else "yes") or answer not in ("yes", "no"):  # "what color is the circle?"
        return next((name for name in names if name in words), None)
    return None


def wheel() -> Path:
    """The data folder of the installed wheel. Raises FileNotFoundError."""
    return installed.inside("easy_vqa", "data", "easy-vqa")
