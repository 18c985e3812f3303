"""TFDS builder of emoji in pairs: each concept as Google and as Twitter draw it, with its name (`data.emoji`)."""

from __future__ import annotations

from collections.abc import Iterator

import tensorflow_datasets as tfds

from mmjax.data.emoji.emoji_dataset_builder import DESCRIPTION, SIDE, STYLES, drawings
from mmjax.data.emoji.emoji_dataset_builder import Builder as Emoji


class Builder(tfds.core.GeneratorBasedBuilder):
    """Every emoji that both styles draw, without its skin tones; no concept is in both splits."""

    VERSION = tfds.core.Version("1.0.0")
    MANUAL_DOWNLOAD_INSTRUCTIONS = Emoji.MANUAL_DOWNLOAD_INSTRUCTIONS

    def _info(self) -> tfds.core.DatasetInfo:
        features = {style: tfds.features.Image(shape=(SIDE, SIDE, 3), encoding_format="png") for style in STYLES}
        features |= {"caption": tfds.features.Text(), "concept": tfds.features.Text()}
        return tfds.core.DatasetInfo(
            builder=self,
            description=DESCRIPTION,
            homepage="https://github.com/iamcal/emoji-data",
            license="Noto Emoji: Apache-2.0; Twemoji: CC BY 4.0",
            disable_shuffling=True,
            features=tfds.features.FeaturesDict(features),
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Iterator]:
        found = list(drawings(dl_manager.manual_dir))
        return {split: self._generate_examples(found, split == "test") for split in ("train", "test")}

    def _generate_examples(self, found: list[tuple[dict, dict[str, bytes], bool]], test: bool) -> Iterator:
        for concept, pictures, held in found:
            if held == test:
                yield (
                    concept["unified"],
                    {**pictures, "caption": concept["name"].lower(), "concept": concept["unified"]},
                )
