"""TFDS builder of shoulder exercises by a smartwatch, from the file of the wheel seglearn (Burns 2018, 1802.01489).

140 recordings at 50 Hz, 7 exercises by 10 subjects with either arm, are cut into windows of 4 s that overlap by half;
what is left at the end is less than a window. No subject is in two of the folds: trained on
fold_1+fold_2+fold_3+fold_4, fold_0 tells how well unseen people are understood, as the paper's folds by subject do.
Left arms are mirrored, as it is known which arm wears the watch: x, along the forearm, points to the hand on one side
and to the elbow on the other. Rotation is a pseudovector, of which a mirror across x turns y and z.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from mmjax.data import installed
from mmjax.data.smartwatch import watch_file

WINDOW, HOP = 200, 100  # steps of 20 ms
FOLDS, CHANNELS = 5, 3
LEFT, MIRROR = 0, np.array([-1, 1, 1, 1, -1, -1], np.float32)
EXERCISES = ("PEN", "ABD", "FEL", "IR", "ER", "TRAP", "ROW")
DESCRIPTION = """Pendulum, abduction, forward elevation, internal and external rotation with a band, trapezius extension
and upright row, as an accelerometer and a gyroscope on the wrist see them. https://github.com/dmbee/seglearn
"""


class Builder(tfds.core.GeneratorBasedBuilder):
    """Five folds of two subjects each, the subjects in order."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self) -> tfds.core.DatasetInfo:
        sensor = dict(shape=(WINDOW, CHANNELS), dtype=np.float32)
        features = {
            "accelerometer": tfds.features.Tensor(**sensor),
            "gyroscope": tfds.features.Tensor(**sensor),
            "subject": tfds.features.Scalar(dtype=np.int64),
            "side": tfds.features.ClassLabel(names=("left", "right")),
            "label": tfds.features.ClassLabel(names=EXERCISES),
        }
        return tfds.core.DatasetInfo(
            builder=self,
            description=DESCRIPTION,
            homepage="https://arxiv.org/abs/1802.01489",
            license="BSD-3-Clause",
            disable_shuffling=True,
            features=tfds.features.FeaturesDict(features),
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Iterator]:
        found = watch_file.read(installed.inside("seglearn", "data/watch_dataset.npy", "--no-deps seglearn==1.2.5"))
        subjects = np.array_split(sorted(set(found["subject"])), FOLDS)
        return {f"fold_{k}": self._generate_examples(found, list(some)) for k, some in enumerate(subjects)}

    def _generate_examples(self, found: dict[str, Any], subjects: Sequence[int]) -> Iterator[tuple[int, dict]]:
        row = 0
        for steps, label, side, subject in zip(*(found[name] for name in ("X", "y", "side", "subject")), strict=True):
            if subject not in subjects:
                continue
            told = {"subject": subject, "side": side, "label": label}
            steps = steps * MIRROR if side == LEFT else steps
            for start in range(0, len(steps) - WINDOW + 1, HOP):
                window = steps[start : start + WINDOW]
                yield row, {"accelerometer": window[:, :CHANNELS], "gyroscope": window[:, CHANNELS:], **told}
                row += 1
