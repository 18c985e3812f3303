"""What is nearest to a picture, a text or another view, among others, by a run that brings two views into one space."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmjax.metrics.retrieval import unit

if TYPE_CHECKING:
    from mmjax.cli.load import Model, Rows


class Nearest:
    """Rows to find some among, each with one view or both; they are encoded once.

    Raises:
        ValueError: the run compares no views, or a row cannot be read.
    """

    def __init__(self, model: Model, among: Rows, root: str | os.PathLike, name: str):
        if not hasattr(model.task, "couple"):
            raise ValueError(
                f"{name}: expected a run of tasks.contrast, whose two views are found by nearness; this is one of "
                f"{type(model.task).__module__.removeprefix('mmjax.')}, so leave it out"
            )
        self.model, self.among, self.name = model, among, name
        found = model.predict(among, root)
        for number, answer in enumerate(found, 1):
            if "error" in answer:
                raise ValueError(f"{name}: row {number}: {answer['error']}")
        # Of each view which rows have it, and their unit vectors.
        self.there, self.items = {}, {}
        for view in model.task.model.order:
            given = [answer["prediction"][view] for answer in found]
            self.there[view] = [n for n, vector in enumerate(given) if vector is not None]
            if self.there[view]:
                self.items[view] = unit(np.stack([given[n] for n in self.there[view]]))

    def __call__(self, rows: Rows, root: str | os.PathLike = Path(), count: int = 3) -> list[dict[str, Any]]:
        """{"nearest": [{the fields of a row, "similarity": cosine}, ...]} for each row, or {"error"}.

        A row gives one view, and what is looked for is the other.
        """
        return [self._one(answer, count) for answer in self.model.predict(rows, root)]

    def _one(self, answer: Mapping[str, Any], count: int) -> dict[str, Any]:
        if "error" in answer:
            return dict(answer)
        one, other = self.model.task.model.order
        given = answer["prediction"]
        if all(vector is not None for vector in given.values()):
            return {"error": f"it gives {one} and {other}; give one of them, and the nearest of the other are told"}
        asked, wanted = (one, other) if given[one] is not None else (other, one)
        if wanted not in self.items:
            return {"error": f"{self.name} has no {wanted}, which is what {asked} is compared with; give rows with it"}
        near = self.items[wanted] @ unit(given[asked])
        best = np.argsort(-near, kind="stable")[:count]
        return {
            "nearest": [{**self.among[self.there[wanted][n]], "similarity": round(float(near[n]), 4)} for n in best]
        }
