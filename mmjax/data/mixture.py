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
    test splits so.
    """

    parts: Mapping[str, Part]

    def __post_init__(self):
        super().__post_init__()
        if not self.parts or not all(self.parts):
            raise ValueError(f"data.parts has the names {', '.join(map(repr, self.parts))}; expected one or more names")

    def open(self, folder: str | os.PathLike) -> Feed:
        """All parts with the one tokenizer of `folder`, trained on all of them if it is absent."""
        return Feed(dict(sorted(self.parts.items())), self, folder)
