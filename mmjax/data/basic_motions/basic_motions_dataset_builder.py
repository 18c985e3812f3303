"""TFDS builder of BasicMotions: four activities by a smartwatch, from the files of the wheel aeon."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds

from mmjax.data import ts_file

PROBLEM, CHANNELS = "BasicMotions", 3
CLASSES = ("Standing", "Running", "Walking", "Badminton")
DESCRIPTION = """Standing, walking, running and badminton, 10 s at 10 Hz: acceleration, then rotation, 3 channels each.
"""


class Builder(tfds.core.GeneratorBasedBuilder):
    """The official splits: 40 and 40 series of 100 steps."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self) -> tfds.core.DatasetInfo:
        features = {
            "accelerometer": tfds.features.Tensor(shape=(None, CHANNELS), dtype=np.float32),
            "gyroscope": tfds.features.Tensor(shape=(None, CHANNELS), dtype=np.float32),
            "label": tfds.features.ClassLabel(names=CLASSES),
        }
        return tfds.core.DatasetInfo(
            builder=self,
            description=DESCRIPTION,
            homepage="https://www.timeseriesclassification.com/description.php?Dataset=BasicMotions",
            disable_shuffling=True,
            features=tfds.features.FeaturesDict(features),
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Iterator]:
        files = ts_file.folder(PROBLEM)
        return {split: self._generate_examples(files / f"{PROBLEM}_{split.upper()}.ts") for split in ("train", "test")}

    def _generate_examples(self, path: Path) -> Iterator[tuple[int, dict]]:
        for row, (steps, name) in enumerate(ts_file.read(path)):
            yield row, {"accelerometer": steps[:, :CHANNELS], "gyroscope": steps[:, CHANNELS:], "label": name}
