"""TFDS builder of Sort-of-CLEVR (Santoro et al. 2017, arXiv 1706.01427), drawn anew: 20 questions a picture."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import tensorflow_datasets as tfds

from mmjax.data import images
from mmjax.data.sort_of_clevr import shapes

SEED, TRAIN, TEST = 0, 9_800, 200
DESCRIPTION = """Six squares and circles of six colours, with ten questions about one object and ten about how it stands
to the others, as bits: one of six colours, of two kinds, of three questions.
"""


class Builder(tfds.core.GeneratorBasedBuilder):
    """9,800 and 200 pictures of 75 x 75 pixels, as many as in the paper; a row is a picture with its questions."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self) -> tfds.core.DatasetInfo:
        asked = 2 * shapes.EACH
        features = {
            "image": tfds.features.Image(shape=(shapes.SIDE, shapes.SIDE, 3), encoding_format="png"),
            "question": tfds.features.Tensor(shape=(asked, shapes.WIDTH), dtype=np.float32),
            "answer": tfds.features.Sequence(tfds.features.ClassLabel(names=shapes.ANSWERS), length=asked),
            "kind": tfds.features.Sequence(tfds.features.ClassLabel(names=shapes.KINDS), length=asked),
        }
        return tfds.core.DatasetInfo(
            builder=self,
            description=DESCRIPTION,
            homepage="https://arxiv.org/abs/1706.01427",
            disable_shuffling=True,
            features=tfds.features.FeaturesDict(features),
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Iterator]:
        return {
            "train": self._generate_examples(range(TRAIN)),
            "test": self._generate_examples(range(TRAIN, TRAIN + TEST)),
        }

    def _generate_examples(self, numbers: range) -> Iterator[tuple[int, dict]]:
        for number in numbers:
            row = shapes.example(SEED, number)
            yield number, {**row, "image": images.png(row["image"])}
