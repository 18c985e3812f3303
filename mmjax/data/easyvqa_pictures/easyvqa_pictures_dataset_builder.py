"""TFDS builder of easy-VQA by pictures: (image, questions, answers), so that one picture is seen for several questions.

A picture with more than MANY questions has several rows.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator

import tensorflow_datasets as tfds

from mmjax.data.easyvqa.easyvqa_dataset_builder import DESCRIPTION, wheel

MANY = 5


class Builder(tfds.core.GeneratorBasedBuilder):
    """The official splits: 38,575 and 9,673 questions about 4,000 and 1,000 pictures, in 9,307 and 2,335 rows."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self) -> tfds.core.DatasetInfo:
        features = {
            "image": tfds.features.Image(shape=(None, None, 3), encoding_format="png"),
            "questions": tfds.features.Sequence(tfds.features.Text()),
            "answers": tfds.features.Sequence(tfds.features.Text()),
        }
        return tfds.core.DatasetInfo(
            builder=self,
            description=DESCRIPTION,
            homepage="https://github.com/vzhou842/easy-VQA",
            license="MIT",
            disable_shuffling=True,
            features=tfds.features.FeaturesDict(features),
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Iterator]:
        return {split: self._generate_examples(wheel() / split) for split in ("train", "test")}

    def _generate_examples(self, folder) -> Iterator[tuple[int, dict]]:
        asked = sorted(json.loads((folder / "questions.json").read_text()), key=lambda row: row[2])
        number = itertools.count()
        for picture, group in itertools.groupby(asked, key=lambda row: row[2]):
            image = (folder / "images" / f"{picture}.png").read_bytes()
            pairs = list(group)
            for start in range(0, len(pairs), MANY):
                questions, answers, _ = zip(*pairs[start : start + MANY], strict=True)
                yield next(number), {"image": image, "questions": list(questions), "answers": list(answers)}
