"""TFDS builder of things that bounce (`data.bounces.bounce`): film, sound, sensor and record of each, drawn here."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import tensorflow_datasets as tfds

from mmjax.data.bounces import bounce

SEED, TRAIN, TEST = 0, 3_000, 500
DESCRIPTION = """Balls and cubes of wood or metal, hollow or solid, fall and bounce: seen, heard, felt and weighed."""


class Builder(tfds.core.GeneratorBasedBuilder):
    """3,000 and 500 rows, the same in every preparation."""

    VERSION = tfds.core.Version("1.1.0")

    def _info(self) -> tfds.core.DatasetInfo:
        features = streams() | {
            "sensor": tfds.features.Tensor(shape=(bounce.READINGS, 3), dtype=np.float32),
            "record": {"weight": np.float32, "width": np.float32, "maker": tfds.features.Text()},
            "times": tfds.features.Tensor(shape=(None,), dtype=np.float32),
            "label": tfds.features.ClassLabel(names=bounce.NAMES),
        }
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
        empty = {"weight": np.nan, "width": np.nan, "maker": ""}
        for number in numbers:
            row = bounce.example(SEED, number)
            yield number, {**row, "record": {**empty, **row["record"]}}


def streams() -> dict[str, tfds.features.FeatureConnector]:
    """What is seen and heard of a thing."""
    frames, samples = (bounce.FRAMES, bounce.SIDE, bounce.SIDE, 3), round(bounce.SECONDS * bounce.RATE)
    return {
        "film": tfds.features.Tensor(shape=frames, dtype=np.uint8, encoding="zlib"),
        "sound": tfds.features.Tensor(shape=(samples,), dtype=np.int16, encoding="bytes"),
    }
