"""TFDS builder of statements of which one of two pictures is true: which?

NLVR is often told so, though its sentences are true or false of one picture (Suhr et al. 2017, P17-2034).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import tensorflow_datasets as tfds

from mmjax.data import images
from mmjax.data.nlvr.kinds import kind
from mmjax.data.statements.boxes import SIDE
from mmjax.data.statements.info import info
from mmjax.data.statements.picture import WIDTH, render
from mmjax.data.statements.statement import example
from mmjax.data.statements.statements_dataset_builder import SEED, TEST, TRAIN

LABELS = ("first", "second")
DESCRIPTION = """The sentences of `statements`, each with a picture of which it is true and one of which it is false.

Half of the pairs differ in as little as an item, half have nothing in common.
"""


class Builder(tfds.core.GeneratorBasedBuilder):
    """The statements of both splits of `statements`, so that what has learnt from its training split may be tested."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self) -> tfds.core.DatasetInfo:
        shown = {
            "image": tfds.features.Sequence(
                tfds.features.Image(shape=(SIDE, WIDTH, 3), encoding_format="png"), length=2
            )
        }
        return info(self, DESCRIPTION, LABELS, shown)

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Iterator]:
        return {
            "train": self._generate_examples(range(TRAIN)),
            "test": self._generate_examples(range(TRAIN, TRAIN + TEST)),
        }

    def _generate_examples(self, numbers: range) -> Iterator[tuple[int, dict[str, Any]]]:
        for number in numbers:
            drawn = example(SEED, number)
            # The coin that says whether the statement is true of the scene says which of the two it is true of.
            shown = [images.png(render(scene)) for scene in (drawn.scene, drawn.other)]
            label = LABELS[0 if drawn.label else 1]
            yield number, {"image": shown, "sentence": drawn.sentence, "label": label, "kind": kind(drawn.sentence)}
