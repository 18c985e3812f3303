"""TFDS builder of films of things that bounce with sound that is late or early by a known offset (`data.bounces`)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import tensorflow_datasets as tfds

from mmjax.data.bounces import bounce
from mmjax.data.bounces.bounces_dataset_builder import streams
from mmjax.data.generator import LATE, generator

SEED, TRAIN, TEST = 1, 3_000, 500  # other things than those of `bounces`
MOST = 0.5  # seconds, late or early
DESCRIPTION = """Balls and cubes bounce, seen and heard; the sound is up to half a second late or early."""


class Builder(tfds.core.GeneratorBasedBuilder):
    """3,000 and 500 rows, the same in every preparation; `offset` in seconds, positive where the sound is late."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self) -> tfds.core.DatasetInfo:
        features = streams() | {"offset": tfds.features.Scalar(np.float32)}
        return tfds.core.DatasetInfo(
            builder=self,
            description=DESCRIPTION,
            disable_shuffling=True,
            metadata=tfds.core.MetadataDict(rates={"sound": bounce.RATE}),
            features=tfds.features.FeaturesDict(features),
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Iterator]:
        return {
            "train": self._generate_examples(range(TRAIN)),
            "test": self._generate_examples(range(TRAIN, TRAIN + TEST)),
        }

    def _generate_examples(self, numbers: range) -> Iterator[tuple[int, dict]]:
        for number in numbers:
            late = generator(LATE, SEED, number).uniform(-MOST, MOST)
            row = bounce.example(SEED, number, late)
            yield number, {"film": row["film"], "sound": row["sound"], "offset": np.float32(late)}
