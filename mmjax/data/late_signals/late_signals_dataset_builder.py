"""TFDS builder of films of a thing that bounces, a lamp that flashes and a beep: which of the two came first?

The bounces are seen and heard; they tell how late the sound is, and with it when the beep was. Without it, a beep that
is heard before the flash may have come after it: the gap between them is smaller than the delay can be.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import tensorflow_datasets as tfds

from mmjax.data.bounces import bounce
from mmjax.data.bounces.bounces_dataset_builder import streams
from mmjax.data.generator import LATE, generator

SEED, TRAIN, TEST = 2, 3_000, 500  # other things than those of `bounces` and `late_bounces`
MOST = 0.5  # seconds that the sound is late or early
GAP = (0.125, 0.25)  # seconds between flash and beep
WITHIN = (0.75, 1.19)  # seconds, when the flash is: the beep is heard however late the sound is
LABELS = ("beep", "flash")
DESCRIPTION = """A thing bounces, a lamp flashes, a beep sounds; all sound is up to half a second late or early."""


class Builder(tfds.core.GeneratorBasedBuilder):
    """3,000 and 500 rows, the same in every preparation: `label` is what came first.

    `sound` is late by `offset` seconds; `in_time` is the same sound where it belongs.
    """

    VERSION = tfds.core.Version("1.0.0")

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
    late, flash = rng.uniform(-MOST, MOST), rng.uniform(*WITHIN)
    first = LABELS[rng.integers(len(LABELS))]
    beep = flash + rng.uniform(*GAP) * (1 if first == "flash" else -1)
    sounds = {name: bounce.example(seed, number, by, (flash, beep)) for name, by in (("sound", late), ("in_time", 0.0))}
    return {
        "film": sounds["sound"]["film"],
        **{name: row["sound"] for name, row in sounds.items()},
        "offset": np.float32(late),
        "label": first,
    }
