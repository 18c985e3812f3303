"""A run as one page: a self-contained report.html that opens offline, by day and by night.

It knows ways of drawing (the kinds of a Panel), no modality and no task.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from itertools import takewhile
from math import prod
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from mmjax.core.build import USE
from mmjax.core.task import Panel
from mmjax.train import draw, log
from mmjax.train.cards import card
from mmjax.train.progress import short

MOST = 2 * len(draw.SERIES)  # cells of a table that has curves; each colour is drawn through, and dashed
# The (step, value) of each split, or of each row of a table.
Lines = dict[str, list[tuple[int, float]]]


def write(
    workdir: str | Path,
    *,
    config: Mapping[str, Any],
    scores: Mapping[str, float | str],
    panels: Sequence[Panel],
    mistakes: Mapping[str, Sequence[Panel]],
    sections: Mapping[str, Sequence[Panel]] = MappingProxyType({}),
    parameters: Mapping[str, Any],
    versions: Mapping[str, str],
    commands: Mapping[str, str],
) -> Path:
    """Writes `workdir`/report.html, whole or not at all, with the curves of `workdir`/metrics.jsonl.

    Args:
        workdir: the run folder; its name is the title.
        config: the resolved config, nested.
        scores: final scores by name; `score/table/row` is a cell of a table, other names stand at the top. What was
            logged last in training under such a name stands in the same table.
        panels: examples to show.
        mistakes: the worst examples, worst first, by the title that they stand under; "" for none.
        sections: other things to show, by the title that they stand under; those without a panel are left out.
        parameters: arrays, or whatever else has a shape and a dtype, by path.
        versions: version by package.
        commands: command line by what it does.

    Raises:
        ValueError: a panel that cannot be drawn, or a metrics.jsonl that cannot be read.
        OSError: the page cannot be written.
    """
    path = Path(workdir) / "report.html"
    rows = log.read(workdir)
    leaves = [(name, list(leaf.shape), str(leaf.dtype), prod(leaf.shape)) for name, leaf in parameters.items()]
    page = _template().render(
        title=path.absolute().parent.name,
        step=max((row["step"] for row in rows), default=None),
        headline={name: value for name, value in scores.items() if name.count("/") < 2},
        tables=_tables({**scores, **_trained(rows)}),
        curves=_curves(rows),
        panels=_cards({"": panels}),
        mistakes=_cards(mistakes),
        sections=_cards(sections),
        config=list(_lines(config)),
        leaves=leaves,
        modules=_modules(leaves),
        total=sum(count for *_, count in leaves),
        versions=versions,
        commands=commands,
    )
    fresh = path.with_name("report.html.tmp")
    try:
        # Text from data may hold halves of characters, which UTF-8 has no place for.
        fresh.write_bytes(page.encode("utf-8", "replace"))
        os.replace(fresh, path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise OSError(f"cannot write {path}: {error.strerror}; mend that and run again") from error
    return path


def _cards(panels: Mapping[str, Sequence[Panel]]) -> dict[str, list[dict[str, Any]]]:
    """What is drawn under each title, where there is something."""
    return {title: [card(panel) for panel in some] for title, some in panels.items() if some}


def _template() -> Any:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["short"] = lambda value: value if isinstance(value, str) else short(value)
    environment.filters["words"] = lambda name: name.replace("_", " ")
    return environment.from_string((resources.files(__package__) / "report.html.j2").read_text("utf-8"))


def _trained(rows: Sequence[log.Row]) -> dict[str, float]:
    """The cells of tables in the last row that was logged in training, named so that they are told from test scores."""
    last = next((row for row in reversed(rows) if row["split"] == "train"), {})
    cells = [(*name.split("/", 1), value) for name, value in last.items() if name.count("/") >= 2]
    return {f"{score} (training)/{rest}": value for score, rest, value in cells}


def _tables(scores: Mapping[str, float | str]) -> dict[str, dict[str, Any]]:
    """Scores `score/table/row` as {table: {columns: {score: is a share}, rows: {row: {score: value}}}}."""
    tables: dict[str, dict[str, Any]] = {}
    for name, value in scores.items():
        if name.count("/") < 2:
            continue
        score, table, row = name.split("/", 2)
        found = tables.setdefault(table, {"columns": {}, "rows": {}})
        found["rows"].setdefault(row, {})[score] = value
        # Shares of one get a bar, counts do not.
        found["columns"][score] = found["columns"].get(score, True) and 0 <= value <= 1
    return tables


def _curves(rows: Sequence[log.Row]) -> list[dict[str, Any]]:
    """A figure for each name, with a line for each split, then those of small tables, with a line for each row."""
    series: dict[str, Lines] = {}
    tables: dict[tuple[str, str], dict[str, Lines]] = {}
    for row in rows:
        split = row["split"]
        for name, value in row.items():
            if name in ("step", "split"):
                continue
            score, *parts = name.split("/", 2)
            if len(parts) < 2:
                series.setdefault(name, {}).setdefault(split, []).append((row["step"], value))
            else:
                lines = tables.setdefault((parts[0], split), {}).setdefault(score, {})
                lines.setdefault(parts[1], []).append((row["step"], value))
    splits = list(dict.fromkeys(row["split"] for row in rows))
    found = [_figure(name, lines, splits) for name, lines in series.items() if not _count(lines)]
    for (table, split), scores in tables.items():
        if sum(map(len, scores.values())) <= MOST:
            of = {f"{score} by {table}, {split}": lines for score, lines in scores.items() if _moves(lines)}
            found += [_figure(name, lines, list(lines)) for name, lines in of.items()]
    return found


def _moves(lines: Lines) -> bool:
    """Whether there are several steps of a row, and not just counts that never change."""
    several = any(len(points) > 1 for points in lines.values())
    return several and not all(_count({row: points}) for row, points in lines.items())


def _figure(name: str, lines: Lines, order: Sequence[str]) -> dict[str, Any]:
    """The lines that `order` names, as far as there are any; each has the colour of its place in it."""
    values = np.array([value for points in lines.values() for _, value in points], float)
    values = values[np.isfinite(values)]
    log_scale = bool(values.size and values.min() > 0 and values.max() > max(1, 100 * values.min()))
    # A split has the same colour in every figure.
    drawn = [tuple(zip(*lines.get(line, ()), strict=True)) or ((), ()) for line in order]
    legend = [(i, line, lines[line][-1][1]) for i, line in enumerate(order) if line in lines]
    return {"name": name, "log": log_scale, "legend": legend, "svg": Markup(draw.curve(drawn, log_scale))}


def _count(lines: Lines) -> bool:
    """Whether the curve is a count that never changes, such as the size of the test split."""
    values = {value for points in lines.values() for _, value in points}
    value = values.pop()
    return not values and (isinstance(value, int) or (value > 1 and value.is_integer()))


def _modules(leaves: Sequence[tuple[str, list[int], str, int]]) -> list[tuple[str, int]]:
    """Parameters by module, below whatever level all paths share; the largest first."""
    paths = [name.split("/") for name, *_ in leaves]
    levels = zip(*(path[:-1] for path in paths), strict=False)
    shared = len(list(takewhile(lambda names: len(set(names)) == 1, levels)))
    totals: dict[str, int] = {}
    for path, (*_, count) in zip(paths, leaves, strict=True):
        module = "/".join(path[: shared + 1])
        totals[module] = totals.get(module, 0) + count
    return sorted(totals.items(), key=lambda item: -item[1])


def _lines(node: Any, depth: int = 0) -> Iterator[tuple[int, str, str, str]]:
    """A nested config as (depth, key, what it uses, value as JSON), a line for each key."""
    for key, value in node.items() if isinstance(node, Mapping) else _items(node):
        nested = isinstance(value, Mapping) or (
            isinstance(value, list | tuple) and any(isinstance(item, Mapping | list | tuple) for item in value)
        )
        if key == USE:
            continue
        if nested and value:
            yield depth, str(key), value.get(USE, "") if isinstance(value, Mapping) else "", ""
            yield from _lines(value, depth + 1)
        else:
            yield depth, str(key), "", json.dumps(value, ensure_ascii=False, default=str)


def _items(values: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    # Ordered rules are pairs of a pattern and what holds for it.
    for i, value in enumerate(values):
        pair = isinstance(value, list | tuple) and len(value) == 2 and isinstance(value[0], str)
        yield (value[0], value[1]) if pair else (f"[{i}]", value)
