"""TFDS builder of films of a thing that bounces and of two lamps that flash: with which of them did it beep?

The bounces are seen and heard; they tell how late the sound is, and with it when the beep was. Without it the beep may
be heard with the other lamp, or with none: the time between both is less than the delay can be.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import tensorflow_datasets as tfds

from mmjax.data.bounces import bounce
from mmjax.data.bounces.bounces_dataset_builder import streams
from mmjax.data.generator import LATE, generator

SEED, TRAIN, TEST = 2, 3_000, 500  # other things than those of `bounces` and `late_bounces`
MOST = 0.5  # seconds that the sound is late or early
GAP = (0.25, 0.45)  # seconds between the flashes
FIRST = (0.5, 0.98)  # seconds, when the first is: the beep is heard however late the sound is
LABELS = ("left", "right")  # lamps
DESCRIPTION = """A thing bounces and two lamps flash, one with a beep; sound is up to half a second late or early."""


class Builder(tfds.core.GeneratorBasedBuilder):
    """3,000 and 500 rows, the same in every preparation: `label` is the lamp that beeps.

    `sound` is late by `offset` seconds; `in_time` is the same sound where it belongs.
    """

    VERSION = tfds.core.Version("2.0.0")
    RELEASE_NOTES: ClassVar = {"2.0.0": "Two lamps, one of which beeps; before, whether lamp or beep was first."}

    def _info(self) -> tfds.core.DatasetInfo:
        seen_and_heard = streams()
        features = seen_and_heard | {
            "in_time": seen_and_heard["sound"],
            "offset": tfds.features.Scalar(np.float32),
            "label": tfds.features.ClassLabel(names=LABELS),
        }
        return tfds.core.DatasetInfo(
            builder=self,
            description=DESCRIPTION,
            disable_shuffling=True,
            metadata=tfds.core.MetadataDict(rates={"sound": bounce.RATE, "in_time": bounce.RATE}),
            features=tfds.features.FeaturesDict(features),
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Iterator]:
        return {
            "train": self._generate_examples(range(TRAIN)),
            "test": self._generate_examples(range(TRAIN, TRAIN + TEST)),
        }

    def _generate_examples(self, numbers: range) -> Iterator[tuple[int, dict]]:
        for number in numbers:
            yield number, example(SEED, number)


def example(seed: int, number: int) -> dict:
    """Row `number`: a pure function of seed and number."""
    rng = generator(LATE, seed, number)
    late, first = rng.uniform(-MOST, MOST), rng.uniform(*FIRST)
    flashes = dict(zip(rng.permutation(LABELS), (first, first + rng.uniform(*GAP)), strict=True))
    label = LABELS[rng.integers(len(LABELS))]
    signals = bounce.Signals(**flashes, beep=flashes[label])
    sounds = {name: bounce.example(seed, number, by, signals) for name, by in (("sound", late), ("in_time", 0.0))}
    return {
        "film": sounds["sound"]["film"],
        **{name: row["sound"] for name, row in sounds.items()},
        "offset": np.float32(late),
        "label": label,
    }
