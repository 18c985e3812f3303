"""What TFDS builders of the archive's problems (`data.ts_file`) share: sensors as features, and the official splits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np
import tensorflow_datasets as tfds

from mmjax.data import ts_file


class TsBuilder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """A problem by its name in the archive; `sensors` are its channels in the order of the file, so many each."""

    VERSION = tfds.core.Version("1.0.0")

    problem: ClassVar[str]
    about: ClassVar[str]
    sensors: ClassVar[tuple[tuple[str, int], ...]]
    classes: ClassVar[tuple[str, ...]]

    def _info(self) -> tfds.core.DatasetInfo:
        features = {
            name: tfds.features.Tensor(shape=(None, channels), dtype=np.float32) for name, channels in self.sensors
        }
        label = tfds.features.ClassLabel(names=self.classes)
        return tfds.core.DatasetInfo(
            builder=self,
            description=self.about,
            homepage=f"https://www.timeseriesclassification.com/description.php?Dataset={self.problem}",
            disable_shuffling=True,
            features=tfds.features.FeaturesDict({**features, "label": label}),
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Iterator]:
        files = ts_file.folder(self.problem)
        return {
            split: self._generate_examples(files / f"{self.problem}_{split.upper()}.ts") for split in ("train", "test")
        }

    def _generate_examples(self, path: Path) -> Iterator[tuple[int, dict]]:
        names, channels = zip(*self.sensors, strict=True)
        for row, (steps, label) in enumerate(ts_file.read(path)):
            parts = np.split(steps, np.cumsum(channels)[:-1], axis=1)
            yield row, {**dict(zip(names, parts, strict=True)), "label": label}
