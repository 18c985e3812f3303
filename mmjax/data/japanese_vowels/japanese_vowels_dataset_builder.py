"""TFDS builder of JapaneseVowels: which of nine men speaks, from the files of the wheel aeon."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds

from mmjax.data import ts_file

PROBLEM, CHANNELS = "JapaneseVowels", 12
CLASSES = tuple("123456789")
DESCRIPTION = """Coefficients of linear prediction of the vowels /ae/, 12 a step, 7 to 29 steps.
"""


class Builder(tfds.core.GeneratorBasedBuilder):
    """The official splits: 270 and 370 series."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self) -> tfds.core.DatasetInfo:
        features = {
            "voice": tfds.features.Tensor(shape=(None, CHANNELS), dtype=np.float32),
            "label": tfds.features.ClassLabel(names=CLASSES),
        }
        return tfds.core.DatasetInfo(
            builder=self,
            description=DESCRIPTION,
            homepage="https://www.timeseriesclassification.com/description.php?Dataset=JapaneseVowels",
            disable_shuffling=True,
            features=tfds.features.FeaturesDict(features),
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Iterator]:
        files = ts_file.folder(PROBLEM)
        return {split: self._generate_examples(files / f"{PROBLEM}_{split.upper()}.ts") for split in ("train", "test")}

    def _generate_examples(self, path: Path) -> Iterator[tuple[int, dict]]:
        for row, (steps, name) in enumerate(ts_file.read(path)):
            yield row, {"voice": steps, "label": name}
