"""TFDS builder of CMU-MOSEI: spoken opinions as series of words, sound and faces, from the user's folder."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import tensorflow_datasets as tfds

from mmjax.data.mosei.folder import check, load
from mmjax.data.mosei.opinions import EMOTIONS, HIGHEST, LOWEST, MODALITIES, Opinions, Row

DESCRIPTION = """Opinions on film by speakers before a camera: word vectors, acoustic features and facial features.
"""
RATINGS = [str(rating) for rating in range(LOWEST, HIGHEST + 1)]
HOMEPAGE = "https://github.com/CMU-MultiComp-Lab/CMU-MultimodalSDK"


class Builder(tfds.core.GeneratorBasedBuilder):
    """The splits that the user's files have; `rating` is the sentiment `label` as one of seven whole numbers.

    A modality that a row lacks is one step of NaN: of two lengths that are not known beforehand, TFDS reads none as 0.
    """

    VERSION = tfds.core.Version("1.0.0")
    emotions = True  # are asked for beside the sentiment
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "put train.npz, valid.npz and test.npz with arrays text, audio, vision [N, L, C], labels [N] and id [N] into a "
        f"folder, or the .csd files of word vectors, audio, video and labels ({HOMEPAGE}) with "
        "folds.json {SPLIT: [VIDEO, ...]}"
    )

    def _info(self) -> tfds.core.DatasetInfo:
        series = tfds.features.Tensor(shape=(None, None), dtype=np.float32, encoding="bytes")
        features = {"id": tfds.features.Text(), **dict.fromkeys(MODALITIES, series), "label": np.float32}
        features["rating"] = tfds.features.ClassLabel(names=RATINGS)
        if self.emotions:
            features["emotions"] = tfds.features.Tensor(shape=(len(EMOTIONS),), dtype=np.float32)
        return tfds.core.DatasetInfo(
            builder=self,
            description=DESCRIPTION,
            homepage=HOMEPAGE,
            disable_shuffling=True,
            features=tfds.features.FeaturesDict(features),
            metadata=tfds.core.MetadataDict(),
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Iterator]:
        found = load(dl_manager.manual_dir)
        check(found, dl_manager.manual_dir)
        self.info.metadata["notes"] = notes(found)
        return {split: self._generate_examples(rows) for split, rows in found.splits.items() if rows}

    def _generate_examples(self, rows: list[Row]) -> Iterator[tuple[int, dict]]:
        for number, row in enumerate(rows):
            steps = {name: stored(row[name]) for name in MODALITIES}
            told = {**row, **steps, "rating": str(round(row["label"]))}
            yield number, {name: told[name] for name in self.info.features}


def stored(steps: np.ndarray) -> np.ndarray:
    """Steps [T, C], or one of NaN where there are none."""
    return steps if len(steps) else np.full((1, steps.shape[1]), np.nan, np.float32)


def notes(found: Opinions) -> list[str]:
    """What was left out and what was mended, for who prepares the data."""
    said = [f"{count:,} segments left out: {reason}" for reason, count in sorted(found.dropped.items())]
    return said + [
        f"{count:,} numbers of {name} were none and are 0" for name, count in found.repaired.items() if count
    ]
