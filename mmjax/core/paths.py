"""Parameter paths and the ordered rules that speak about them.

A path is the names from the root to a leaf joined by "/", such as `encoder/layers/attention/query/kernel`.
Layers stacked by `nn.scan` lie under a component that is exactly `layers` and have a leading axis [layers]; the same
layers built as a loop lie under `layers_0`, `layers_1`, ...
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

T = TypeVar("T")

_LOOP = re.compile(r"(?:^|/)layers_(\d+)(?=/|$)")
_SCAN = re.compile(r"(?:^|/)layers(?=/|$)")


def flatten(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Nested mappings to {path: leaf}; anything that is not a mapping is a leaf."""
    flat = {}
    for name, value in tree.items():
        if isinstance(value, Mapping):
            flat |= {f"{name}/{rest}": leaf for rest, leaf in flatten(value).items()}
        else:
            flat[name] = value
    return flat


def unflatten(flat: Mapping[str, Any]) -> dict[str, Any]:
    """{path: leaf} to nested dicts; the inverse of `flatten` wherever no mapping is empty."""
    tree: dict[str, Any] = {}
    for path, leaf in flat.items():
        *parents, name = path.split("/")
        node = tree
        for parent in parents:
            node = node.setdefault(parent, {})
        node[name] = leaf
    return tree


def map_paths(function: Callable[[str, Any], Any], tree: Mapping[str, Any]) -> dict[str, Any]:
    """`function(path, leaf)` over nested mappings."""
    return unflatten({path: function(path, leaf) for path, leaf in flatten(tree).items()})


def split(tree: Mapping[str, Any], chosen: Iterable[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The leaves whose paths are chosen, and the others, each as nested dicts."""
    chosen, flat = set(chosen), flatten(tree)
    inside = unflatten({path: leaf for path, leaf in flat.items() if path in chosen})
    outside = unflatten({path: leaf for path, leaf in flat.items() if path not in chosen})
    return inside, outside


def merge(*trees: Mapping[str, Any]) -> dict[str, Any]:
    """Nested dicts with the leaves of all trees; where two hold the same path the later one counts."""
    return unflatten({path: leaf for tree in trees for path, leaf in flatten(tree).items()})


def match(rules: Iterable[tuple[str, T]], paths: Iterable[str]) -> dict[str, T]:
    """The value of the first rule whose pattern is found (`re.search`) in each path.

    Raises:
        ValueError: a path that no rule covers, a rule that decides no path, or a pattern that is no regular
            expression, named.
    """
    rules, paths = tuple(rules), tuple(paths)
    try:
        compiled = [re.compile(pattern) for pattern, _ in rules]
    except re.error as error:
        raise ValueError(f"rule {error.pattern!r} is not a regular expression: {error}") from None
    decided = {path: next((i for i, rule in enumerate(compiled) if rule.search(path)), None) for path in paths}
    bare = [path for path, i in decided.items() if i is None]
    if bare:
        more = f" and {len(bare) - 1} more" if len(bare) > 1 else ""
        patterns = ", ".join(repr(pattern) for pattern, _ in rules) or "none given"
        raise ValueError(f"no rule covers parameter {bare[0]!r}{more} (rules: {patterns}); end with a rule for '.*'")
    idle = set(range(len(rules))) - set(decided.values())
    # A last '.*' may find nothing left to decide: it is the net under the others.
    idle = [rules[i][0] for i in sorted(idle) if rules[i][0] != ".*"]
    if paths and idle:
        raise ValueError(f"rule {idle[0]!r} decides no parameter: no path has it, or an earlier rule takes them all")
    return {path: rules[i][1] for path, i in decided.items()}


def layer(path: str) -> int | None:
    """The index of the layer that a path of the loop form lies in, None outside a stack or in the scan form."""
    found = _LOOP.search(path)
    return int(found.group(1)) if found else None


def stacked(path: str) -> bool:
    """Whether a path's leaf has a leading [layers] axis (the scan form)."""
    return _SCAN.search(path) is not None


def stack(path: str) -> str:
    """The path with its layer's index removed: loop and scan form give the same string."""
    return _LOOP.sub(lambda found: found.group(0).rsplit("_", 1)[0], path)


def at_layer(path: str, index: int) -> str:
    """The loop form's path of one layer of a stacked (scan form) path."""
    return _SCAN.sub(lambda found: f"{found.group(0)}_{index}", path, count=1)
