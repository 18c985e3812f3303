"""TFDS builder of statements about three boxes in the style of NLVR, with what is in the boxes as further targets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from mmjax.data import images
from mmjax.data.nlvr.kinds import KINDS, kind
from mmjax.data.nlvr.lines import LABELS
from mmjax.data.statements.boxes import BLOCKS, COLOURS, SHAPES, SIDE, Scene, is_tower
from mmjax.data.statements.picture import WIDTH, render
from mmjax.data.statements.statement import example
from mmjax.data.statements.what import walls

SEED, TRAIN, TEST = 0, 60_000, 2_000
DESCRIPTION = """Sentences about three boxes of shapes or towers of blocks, true as often as false, drawn by a grammar.

The wording and the pictures follow the training split of NLVR (Suhr et al. 2017, P17-2034), of which none is in it.
"""
INSIDE = len(COLOURS) * (len(SHAPES) + 1 + BLOCKS)


class Builder(tfds.core.GeneratorBasedBuilder):
    """60,000 and 2,000 rows, the same in every preparation."""

    VERSION = tfds.core.Version("1.1.0")

    def _info(self) -> tfds.core.DatasetInfo:
        features = {
            "image": tfds.features.Image(shape=(SIDE, WIDTH, 3), encoding_format="png"),
            "sentence": tfds.features.Text(),
            "label": tfds.features.ClassLabel(names=LABELS),
            "kind": tfds.features.ClassLabel(names=KINDS),
            "counts": tfds.features.Tensor(shape=(3, len(COLOURS), len(SHAPES)), dtype=np.int32),
            "touching": tfds.features.Tensor(shape=(3, len(COLOURS)), dtype=np.int32),
            "stacks": tfds.features.Tensor(shape=(3, BLOCKS), dtype=np.int32),
            "boxes": tfds.features.Tensor(shape=(3, INSIDE), dtype=np.float32),
        }
        return tfds.core.DatasetInfo(
            builder=self,
            description=DESCRIPTION,
            homepage="https://lil.nlp.cornell.edu/nlvr/",
            disable_shuffling=True,
            features=tfds.features.FeaturesDict(features),
        )

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
                    **targets(drawn.scene),
                },
            )


def targets(scene: Scene) -> dict[str, np.ndarray]:
    """What is in the boxes.

    - counts [3, 3, 3]: items by box, colour and shape;
    - touching [3, 3]: items by box and colour that touch a wall;
    - stacks [3, 4]: a tower's colours from its base up, 1 + the place in COLOURS, 0 where there is no block;
    - boxes [3, 24]: of each box counts, touching and whether its stack has a colour at a level, side by side: what a
      model that is to judge statements may learn to tell first, or may judge them by.
    """
    counts = np.zeros((3, len(COLOURS), len(SHAPES)), np.int32)
    touching, stacks = np.zeros((3, len(COLOURS)), np.int32), np.zeros((3, BLOCKS), np.int32)
    towers = is_tower(scene)
    for number, box in enumerate(scene):
        for level, item in enumerate(box):
            colour = COLOURS.index(item.colour)
            counts[number, colour, SHAPES.index(item.shape)] += 1
            touching[number, colour] += bool(walls(item))
            if towers:
                stacks[number, level] = 1 + colour
    levels = stacks[..., None] == np.arange(1, len(COLOURS) + 1)
    boxes = np.concatenate([part.reshape(3, -1) for part in (counts, touching, levels)], axis=1).astype(np.float32)
    return {"counts": counts, "touching": touching, "stacks": stacks, "boxes": boxes}
