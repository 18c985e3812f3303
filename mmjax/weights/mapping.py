"""From the keys of a public checkpoint to parameters: ordered rules, layers in the loop or scan form, and a table.

A rule says which key becomes which parameter and how the array is turned: `encoder.block.#.layer.0.layer_norm.weight`
to `encoder/stack/layers_#/attention_norm/scale`, where # is a layer's number. A checkpoint that holds all layers in one
array has `layers_*` in the parameter: its leading axis counts them.
"""

import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping
from posixpath import commonpath

import numpy as np

Arrays = Mapping[str, np.ndarray]
Shape = tuple[int, ...]
Take = Callable[[np.ndarray, Shape], np.ndarray]
Resize = Callable[[np.ndarray, tuple[int, int]], np.ndarray]
TABLE = re.compile("position/table$")  # a grid of positions, which another resolution resizes


@dataclasses.dataclass(frozen=True)
class Rule:
    """Keys `old` become the parameter `new`; `take(array, shape wanted)` turns the array.

    `heads` is the axis of the array (of one layer's) that counts attention heads, where there is one.
    """

    old: str
    new: str
    take: Take
    heads: int | None = None


@dataclasses.dataclass(frozen=True)
class Layout:
    """How one publisher calls the parameters of a model.

    Where two keys become the same parameter the rule that stands first counts. `roots` are what all keys may begin
    with; `idle` are patterns of keys inside layers that change nothing (any other such key is an error, for a layer
    with more in it is another function); `other` are patterns of keys outside of layers that change something which
    a model here has not. `approximate` is the form of GELU that its vision transformers have, if any:
    the tanh form or the exact one; no key tells it.
    """

    name: str
    rules: tuple[Rule, ...]
    roots: tuple[str, ...] = ("",)
    idle: tuple[str, ...] = ()
    other: tuple[str, ...] = ()
    approximate: bool | None = None
    head_dim: int | None = None

    def inside(self, old: str, new: str) -> tuple[Rule, ...]:
        """The rules for a model that holds this one, there under `old` and here under `new`."""
        return tuple(dataclasses.replace(rule, old=old + rule.old, new=new + rule.new) for rule in self.rules)


@dataclasses.dataclass(frozen=True)
class Source:
    """Where a parameter (of one layer) comes from; `index` is its place in an array that holds all layers."""

    key: str
    rule: Rule
    index: int | None


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of the table: done is taken, resized, unused (a key alone) or missing (a parameter alone)."""

    key: str
    done: str
    path: str
    shape: Shape


def as_is(array: np.ndarray, shape: Shape) -> np.ndarray:
    """The array itself."""
    return array


def turned(array: np.ndarray, shape: Shape) -> np.ndarray:
    """A weight [out, in] to a kernel [in, out]."""
    return array.T


def flat(array: np.ndarray, shape: Shape) -> np.ndarray:
    """Axes that are kept apart there and together here, such as heads and their widths."""
    return array.reshape(shape) if array.size == np.prod(shape) else array


def part(index: int, count: int) -> Take:
    """A weight [count * out, in] or bias [count * out] that holds several: one of them, the weight turned."""

    def take(array: np.ndarray, shape: Shape) -> np.ndarray:
        return np.split(array, count)[index].T if len(array) % count == 0 else array

    return take


def patches(array: np.ndarray, shape: Shape) -> np.ndarray:
    """A convolution [D, C, p, q] over patches to the kernel [(p q C), D] of one product."""
    return array.transpose(2, 3, 1, 0).reshape(-1, len(array))


def positions(array: np.ndarray, shape: Shape) -> np.ndarray:
    """A table [1, L, D] or [L, D] of a square grid to [h, w, D], without the class token's place before it."""
    table = array.reshape(-1, array.shape[-1])
    for rows in (table, table[1:]):
        side = round(len(rows) ** 0.5)
        grid = shape[:-1] if len(rows) == np.prod(shape[:-1]) else (side, side)
        if len(rows) == np.prod(grid):
            return rows.reshape(*grid, -1)
    return table


def recognise(arrays: Arrays, layouts: Iterable[Layout]) -> tuple[Layout, str, dict[str, Source]]:
    """The layout that knows most of the keys, what they begin with, and their `sources`."""
    found = [(layout, root, sources(arrays, layout, root)) for layout in layouts for root in layout.roots]
    return max(found, key=lambda one: len({source.key for source in one[2].values()}))


def sources(arrays: Arrays, layout: Layout, root: str) -> dict[str, Source]:
    """Where a layout finds each parameter, by paths in the loop form."""
    found: dict[str, Source] = {}
    for rule in layout.rules:
        pattern = re.compile(re.escape(root + rule.old).replace(r"\#", r"(\d+)"))
        for key in filter(pattern.fullmatch, arrays):
            path = rule.new.replace("#", "".join(pattern.fullmatch(key).groups()))
            every = range(len(arrays[key])) if "*" in path else [None]
            for index in every:
                found.setdefault(path.replace("*", str(index)), Source(key, rule, index))
    return found


def place(
    arrays: Arrays, found: Mapping[str, Source], wanted: Mapping[str, Shape], resize: Resize
) -> tuple[dict[str, np.ndarray], list[Row]]:
    """The parameters that the arrays hold, and a row for each array and for each parameter that none of them holds.

    Args:
        found: where they come from.
        wanted: the shapes of the model's parameters by path, layers in either form.
        resize: makes a table [h, w, D] of positions fit another grid.

    Raises:
        ValueError: an array that does not fit, is quantised or not finite.
    """
    params, missing, used = {}, [], {}
    for path, shape in wanted.items():
        names = loop(path, shape)
        lacking = [name for name in names if name not in found]
        if lacking:
            missing.append(Row("", "missing", lacking[0], shape))
            continue
        stacked = names != [path]
        taken = [_take(arrays, found[name], path, shape[1:] if stacked else shape, resize) for name in names]
        params[path] = np.stack([value for value, _ in taken]) if stacked else taken[0][0]
        for name, (_, done) in zip(names, taken, strict=True):
            used.setdefault(found[name].key, {})[path] = done
    return params, [_row(key, used.get(key, {}), array.shape) for key, array in arrays.items()] + missing


def check_layers(arrays: Arrays, layout: Layout, root: str, found: Mapping[str, Source], here: Iterable[str]) -> None:
    """That the layers are as many as the model's (`here` are its paths in the loop form) and hold what its layers hold.

    Raises:
        ValueError: they are more, have a key that no rule knows or a parameter that the model's layers have not, or
            there is a key that makes the whole another function.
    """
    here = set(here)
    stacked = {path.partition("/layers_")[0] for path in here if "/layers_" in path}
    for path, source in found.items():
        if path not in here and re.sub(r"/layers_\d+/", "/layers_0/", path) in here:
            raise ValueError(f"{source.key!r} is of {path!r}, but the model has fewer layers; give it as many")
        if path not in here and "/layers_" in path and path.partition("/layers_")[0] in stacked:
            raise ValueError(f"{source.key!r} is of {path!r}, which a layer here has not: it is another architecture")
    for key in sorted(arrays):
        if any(re.match(re.escape(root) + other, key) for other in layout.other):
            raise ValueError(f"it has {key!r}, which a model here has not: it is another architecture")
    known = {source.key for source in found.values()}
    starts = {re.escape((root + rule.old).split("#")[0]) + r"\d+[./]" for rule in layout.rules if "#" in rule.old}
    stacks: dict[str, list[str]] = {}
    for rule in layout.rules:
        if "*" in rule.new:
            stacks.setdefault(rule.new.split("*")[0], []).append(root + rule.old)
    # What all arrays of a stack begin with, up to the last name that is whole.
    starts |= {re.escape(commonpath(olds) + "/") for olds in stacks.values()}
    for key in sorted(arrays.keys() - known):
        if any(re.match(start, key) for start in starts) and not any(re.search(idle, key) for idle in layout.idle):
            raise ValueError(f"its layers have {key!r}, which a layer here has not: it is another architecture")


def heads(arrays: Arrays, found: Mapping[str, Source]) -> dict[str, int]:
    """How many attention heads the arrays have, by parameter, where an axis tells it."""
    counts = {path: source for path, source in found.items() if source.rule.heads is not None}
    return {path: arrays[s.key].shape[s.rule.heads + (s.index is not None)] for path, s in counts.items()}


def loop(path: str, shape: Shape) -> list[str]:
    """A path in the loop form: itself, or those of all the layers that a path of the scan form stands for."""
    if "/layers/" not in path:
        return [path]
    return [path.replace("/layers/", f"/layers_{i}/") for i in range(shape[0])]


def _take(arrays: Arrays, source: Source, path: str, shape: Shape, resize: Resize) -> tuple[np.ndarray, str]:
    array = arrays[source.key] if source.index is None else arrays[source.key][source.index]
    if array.dtype.kind in "biu":
        raise ValueError(
            f"{source.key!r} holds {array.dtype} numbers, but {path!r} floating-point ones: a quantised checkpoint "
            "cannot be taken; fetch it in float32, float16 or bfloat16"
        )
    if not np.isfinite(array.astype(np.float32)).all():
        raise ValueError(f"{source.key!r} holds numbers that are not finite in float32; fetch it again, or another one")
    try:
        value, done = source.rule.take(array, shape), "taken"
    except (IndexError, ValueError, TypeError) as error:  # of other axes than the rule knows
        raise ValueError(f"{source.key!r} {array.shape} cannot become {path!r} {shape} ({error})") from error
    table = TABLE.search(path) and value.ndim == len(shape) == 3 and value.shape[-1] == shape[-1]
    if value.shape != shape and table:
        value, done = resize(value.astype(np.float32), shape[:2]), "resized"
    if value.shape != shape:
        raise ValueError(f"{source.key!r} {array.shape} gives {value.shape} for {path!r}, but the model has {shape}")
    return value, done


def _row(key: str, used: Mapping[str, str], shape: Shape) -> Row:
    done = "unused" if not used else "resized" if "resized" in used.values() else "taken"
    return Row(key, done, ", ".join(used), shape)
