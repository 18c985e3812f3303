"""TFDS builder of statements about three boxes that are given in numbers: as `statements`, without pictures."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from mmjax.data.nlvr.kinds import kind
from mmjax.data.nlvr.lines import LABELS
from mmjax.data.statements import statements_dataset_builder as statements
from mmjax.data.statements.contents import INSIDE, contents
from mmjax.data.statements.info import info
from mmjax.data.statements.statement import example

TRAIN = 240_000
DESCRIPTION = """The statements of `statements` and many more of their kind, with what is in the boxes and no pictures.

Nothing is rendered, and a row takes little room: what words mean can be learnt of as many as it needs.
"""


class Builder(tfds.core.GeneratorBasedBuilder):
    """240,000 rows, the first of which are those of `statements`, and the same 2,000 to test."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self) -> tfds.core.DatasetInfo:
        shown = {"boxes": tfds.features.Tensor(shape=(3, INSIDE), dtype=np.float32)}
        return info(self, DESCRIPTION, LABELS, shown)

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Iterator]:
        test = range(statements.TRAIN, statements.TRAIN + statements.TEST)
        more = range(test.stop, test.stop + TRAIN - statements.TRAIN)
        return {
            "train": self._generate_examples(itertools.chain(range(statements.TRAIN), more)),
            "test": self._generate_examples(test),
        }

    def _generate_examples(self, numbers: Iterable[int]) -> Iterator[tuple[int, dict[str, Any]]]:
        for number in numbers:
            drawn = example(statements.SEED, number)
            yield (
                number,
                {
                    "boxes": contents(drawn.scene),
                    "sentence": drawn.sentence,
                    "label": LABELS[drawn.label],
                    "kind": kind(drawn.sentence),
                },
            )
