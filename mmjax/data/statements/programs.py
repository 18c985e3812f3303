"""What a statement says, as programs over a scene: parts hold of a box, statements of the three boxes.

Count(what, number)      so many items of a kind in all
Boxes(parts, number)     so many boxes of which every part holds
Agree(about, number)     so many towers or boxes that are the same in something
Both(statements)         all of them
"""

from __future__ import annotations

import dataclasses
from collections import Counter

from mmjax.data.statements.boxes import Scene
from mmjax.data.statements.parts import Over, Part
from mmjax.data.statements.what import SOME, Number, What


@dataclasses.dataclass(frozen=True)
class Count:
    """So many items of a kind, or blocks that lie on others, are in the three boxes together."""

    what: What | Over
    number: Number = SOME

    def holds(self, scene: Scene) -> bool:
        return self.number.holds(sum(map(self.what.count, scene)))


@dataclasses.dataclass(frozen=True)
class Boxes:
    """Of so many boxes all parts hold."""

    parts: tuple[Part, ...]
    number: Number = SOME

    def holds(self, scene: Scene) -> bool:
        return self.number.holds(sum(all(part.holds(box) for part in self.parts) for box in scene))


@dataclasses.dataclass(frozen=True)
class Agree:
    """Of the largest group of boxes that are the same in `about` there are so many."""

    about: str
    number: Number

    def holds(self, scene: Scene) -> bool:
        alike = Counter(map(ABOUT[self.about], scene))
        return self.number.holds(max(alike.values()))


ABOUT = {
    "base": lambda box: box[0].colour,
    "top": lambda box: box[-1].colour,
    "number": len,
}


@dataclasses.dataclass(frozen=True)
class Both:
    """Every one of the statements holds."""

    statements: tuple[Count | Boxes | Agree, ...]

    def holds(self, scene: Scene) -> bool:
        return all(statement.holds(scene) for statement in self.statements)


Statement = Count | Boxes | Agree | Both
