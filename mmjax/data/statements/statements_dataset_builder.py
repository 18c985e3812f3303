"""TFDS builder of statements about three boxes in the style of NLVR, with what is in the boxes, see `contents`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from mmjax.data import images
from mmjax.data.nlvr.kinds import kind
from mmjax.data.nlvr.lines import LABELS
from mmjax.data.statements.boxes import SIDE
from mmjax.data.statements.contents import INSIDE, contents
from mmjax.data.statements.info import info
from mmjax.data.statements.picture import WIDTH, render
from mmjax.data.statements.statement import example

SEED, TRAIN, TEST = 0, 60_000, 2_000
DESCRIPTION = """Sentences about three boxes of shapes or towers of blocks, true as often as false, drawn by a grammar.

The wording and the pictures follow the training split of NLVR (Suhr et al. 2017, P17-2034), of which none is in it.
"""


class Builder(tfds.core.GeneratorBasedBuilder):
    """60,000 and 2,000 rows, the same in every preparation."""

    VERSION = tfds.core.Version("1.2.0")

    def _info(self) -> tfds.core.DatasetInfo:
        shown = {
            "image": tfds.features.Image(shape=(SIDE, WIDTH, 3), encoding_format="png"),
            "boxes": tfds.features.Tensor(shape=(3, INSIDE), dtype=np.float32),
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
            yield (
                number,
                {
                    "image": images.png(render(drawn.scene)),
                    "sentence": drawn.sentence,
                    "label": LABELS[drawn.label],
                    "kind": kind(drawn.sentence),
                    "boxes": contents(drawn.scene),
                },
            )
