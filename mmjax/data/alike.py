"""What belongs together because it shares something: the parts of a graph (union-find; Tarjan 1975)."""

from collections.abc import Iterable, Sequence


def together(groups: Iterable[Sequence[str]]) -> dict[str, str]:
    """Of each member of the groups the smallest that it is joined with, in a group or by others in between."""
    least: dict[str, str] = {}

    def root(one: str) -> str:
        while least.setdefault(one, one) != one:
            least[one] = one = least[least[one]]
        return one

    for group in groups:
        for one in group:
            first, second = sorted((root(group[0]), root(one)))
            least[second] = first
    return {one: root(one) for one in list(least)}
