"""Object detection as text: four places and a label for each object (Chen et al. 2022, Pix2Seq, arXiv 2109.10852).

    <locTTTT><locLLLL><locBBBB><locRRRR> label ; ...        loc = round(coordinate * (bins - 1))

Top, left, bottom, right as shares of the picture's sides, in the order of PaliGemma. The objects come in random order
in training and from top to bottom in evaluation, where `metrics.box_f1`, which minds no order, says more than equality.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from mmjax.data.prompts.fixed import Fixed


@dataclasses.dataclass(frozen=True)
class DetectObjects(Fixed):
    """Row {objects: [{label, box}]} -> the prompt, the string of boxes and labels; `bins` as `tokenizer.locations`."""

    prompt: str = "detect"
    bins: int = 1024
    reads = ("objects",)
    picture = True
    drawn = ("train",)
    whole = r"<loc\d{4}>"

    def __post_init__(self):
        super().__post_init__()
        if not 2 <= self.bins <= 10_000:
            raise ValueError(f"bins is {self.bins}, expected 2 to 10,000")

    def __call__(self, row: Mapping[str, Any], rng: np.random.Generator | None) -> tuple[str, str]:
        objects = row["objects"]
        if rng is None:
            objects = sorted(objects, key=lambda thing: tuple(thing["box"]))
        else:
            objects = [objects[place] for place in rng.permutation(len(objects))]
        return self.prompt, " ; ".join(map(self.written, objects))

    def written(self, thing: Mapping[str, Any]) -> str:
        """One object as text."""
        places = (round(min(max(value, 0), 1) * (self.bins - 1)) for value in thing["box"])
        return "".join(f"<loc{place:04}>" for place in places) + f" {thing['label']}"
