"""Several tasks in one stream: examples are drawn from each by its weight, deterministically."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping

from mmjax.data.batches import Batches
from mmjax.data.feed import Feed
from mmjax.data.part import Part


@dataclasses.dataclass(frozen=True)
class Mixture(Batches):
    """Parts by name that fill the same batches; weights 3 and 1 give three examples for one.

    The parts are counted in the order of their names, whatever the order in the config; evaluation runs through their
    test splits so. A part that is None is left out.
    """

    parts: Mapping[str, Part | None]

    def __post_init__(self):
        super().__post_init__()
        object.__setattr__(self, "parts", {name: part for name, part in self.parts.items() if part is not None})
        if not self.parts:
            raise ValueError("data.parts is empty, expected one part or more by name")
        if not all(self.parts):
            raise ValueError('data.parts has a part with the name "", expected one that scores can be told by')

    def open(self, folder: str | os.PathLike) -> Feed:
        """All parts with the one tokenizer of `folder`, trained on all of them if it is absent."""
        return Feed(dict(sorted(self.parts.items())), self, folder)
