"""What may hold of one box: the parts of a statement."""

from __future__ import annotations

import dataclasses
import itertools

from mmjax.data.statements.boxes import Box
from mmjax.data.statements.what import ANYTHING, SOME, Number, What, beside


@dataclasses.dataclass(frozen=True)
class Has:
    """So many items of a kind are in the box."""

    what: What
    number: Number = SOME

    def holds(self, box: Box) -> bool:
        return self.number.holds(self.what.count(box))


@dataclasses.dataclass(frozen=True)
class Every:
    """All of the box is of a kind."""

    what: What

    def holds(self, box: Box) -> bool:
        return all(map(self.what.holds, box))


@dataclasses.dataclass(frozen=True)
class Only:
    """The box has the colours, or the shapes, and no others."""

    names: frozenset[str]
    field: str = "colour"

    def holds(self, box: Box) -> bool:
        return {getattr(item, self.field) for item in box} == self.names


@dataclasses.dataclass(frozen=True)
class Kinds:
    """So many different colours (shapes, sizes) are among the items of a kind."""

    number: Number
    what: What = ANYTHING
    field: str = "colour"

    def holds(self, box: Box) -> bool:
        return self.number.holds(len({getattr(item, self.field) for item in box if self.what.holds(item)}))


@dataclasses.dataclass(frozen=True)
class Level:
    """The tower's block at a level, 0 the base and -1 the top, is of a kind; of none where there is no such level."""

    level: int
    what: What

    def holds(self, box: Box) -> bool:
        return -len(box) <= self.level < len(box) and self.what.holds(box[self.level])


@dataclasses.dataclass(frozen=True)
class Between:
    """A block of the tower that is neither its base nor its top is of a kind."""

    what: What

    def holds(self, box: Box) -> bool:
        return any(map(self.what.holds, box[1:-1]))


@dataclasses.dataclass(frozen=True)
class Over:
    """A block of a kind lies right on one of another."""

    upper: What
    lower: What

    def holds(self, box: Box) -> bool:
        return self.count(box) > 0

    def count(self, box: Box) -> int:
        """How many do."""
        return sum(self.lower.holds(under) and self.upper.holds(over) for under, over in itertools.pairwise(box))


@dataclasses.dataclass(frozen=True)
class Amid:
    """A block of a kind lies between two of another kind, or of one colour where that kind is None."""

    what: What
    outer: What | None = None

    def holds(self, box: Box) -> bool:
        threes = zip(box, box[1:], box[2:], strict=False)
        return any(
            self.what.holds(block)
            and (
                under.colour == over.colour
                if self.outer is None
                else self.outer.holds(under) and self.outer.holds(over)
            )
            for under, block, over in threes
        )


@dataclasses.dataclass(frozen=True)
class Run:
    """So many blocks of one colour, or of this colour, lie on each other."""

    count: int
    colour: str | None = None

    def holds(self, box: Box) -> bool:
        runs = (box[start : start + self.count] for start in range(len(box) - self.count + 1))
        return any(len({item.colour for item in run} | {self.colour or run[0].colour}) == 1 for run in runs)


@dataclasses.dataclass(frozen=True)
class Highest:
    """The item whose upper edge is highest is of a kind; where two are as high, both are."""

    what: What

    def holds(self, box: Box) -> bool:
        top = min(item.y for item in box)
        return all(self.what.holds(item) for item in box if item.y == top)


@dataclasses.dataclass(frozen=True)
class Touching:
    """Two items, one of each kind, touch each other."""

    first: What
    second: What

    def holds(self, box: Box) -> bool:
        return any(
            beside(one, other)
            for place, one in enumerate(box)
            for number, other in enumerate(box)
            if place != number and self.first.holds(one) and self.second.holds(other)
        )


Part = Has | Every | Only | Kinds | Level | Between | Amid | Over | Run | Highest | Touching
