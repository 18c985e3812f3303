"""mmjax predict: what a trained run says to a picture and a text, or to every row of a JSON-lines file."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmjax.cli.say import say
from mmjax.data import json_line

if TYPE_CHECKING:
    from mmjax.cli.load import Model

COUNT = 3  # of the nearest, which are told
SHORT = 60  # letters of a text that an error repeats
OPTIONS = {"image": "--image=FILE", "text": '--text="..."', "question": '--text="..."'}


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--workdir", required=True, type=Path, help="the run folder")
    parser.add_argument("--step", default=None, metavar="N|best", help="the checkpoint (default: the newest)")
    parser.add_argument("--image", type=Path, action="append", help="a picture; several where a run takes several")
    parser.add_argument("--text", "--question", help="what is asked; some tasks ask for nothing")
    parser.add_argument("--task", help="which of the run's tasks, where it was trained on several")
    rows = 'rows {"image": ..., "text": ..., "task": ...}, or of other modalities of the run; paths relative to it'
    parser.add_argument("--jsonl", type=Path, help=rows)
    among = "rows of which the nearest are told, by a run that compares two views: texts for a picture, or pictures"
    parser.add_argument("--among", type=Path, metavar="JSONL", help=among)
    parser.add_argument("--count", type=int, help=f"how many of them (default: {COUNT})")


def run(args: argparse.Namespace) -> int:
    """The exit code: 1 when some row could not be answered (its `error` says why)."""
    rows, root = _rows(args)
    among = _among(args)
    from mmjax.cli.load import load

    # A line that is no JSON object has its error already; the others are answered together, in their order.
    good = [i for i, row in enumerate(rows) if "error" not in row]
    model = load(args.workdir, args.step, args.overrides)
    if args.task is not None and list(model.feed.sources) == [""]:
        raise ValueError(f"--task={args.task}: the run in {args.workdir} has one task alone; leave --task out")
    if args.jsonl is None:
        rows = [_named(args, rows[0], model.feed.asks)]
        _check_given(args, rows[0], model)
    answers = _answered(args, model, [rows[i] for i in good], root, among)
    for i, answer in zip(good, answers, strict=True):
        rows[i] = {**rows[i], **answer}
    bad = sum("error" in row for row in rows)
    if bad and args.jsonl is None:
        raise ValueError(_told(args, rows[0]["error"]))
    for row in rows:
        print(json.dumps(row, default=_plain))
    if bad:
        say(f'mmjax: {bad} of {len(rows)} rows could not be answered; see their "error"')
    return 1 if bad else 0


def _answered(
    args: argparse.Namespace, model: Model, rows: list[dict[str, Any]], root: Path, among: list[dict[str, Any]] | None
) -> list[dict[str, Any]]:
    if among is None:
        return model.predict(rows, root)
    from mmjax.cli.nearest import Nearest

    count = COUNT if args.count is None else args.count
    return Nearest(model, among, args.among.parent, f"--among={args.among}")(rows, root, count)


def _among(args: argparse.Namespace) -> list[dict[str, Any]] | None:
    """The rows to find some among, None without --among; ValueError for one that is none."""
    if args.among is None and args.count is not None:
        raise ValueError(f"--count={args.count}: how many of the rows of --among are told; give --among too")
    if args.among is None:
        return None
    if args.count is not None and args.count < 1:
        raise ValueError(f"--count={args.count}: expected how many of the nearest are told, at least 1")
    rows = _read(args.among, "--among")
    wrong = next((row["error"] for row in rows if "error" in row), None)
    if wrong is not None:
        raise ValueError(f"--among={args.among}: {wrong}")
    return rows


def _plain(value: Any) -> Any:
    """A path as text, a vector as numbers."""
    return str(value) if isinstance(value, Path) else [float(f"{number:.7g}") for number in value]


def _rows(args: argparse.Namespace) -> tuple[list[dict[str, Any]], Path]:
    given = {name: getattr(args, name) for name in ("image", "text", "task") if getattr(args, name) is not None}
    if (args.jsonl is None) == (not given):
        raise ValueError(
            "predict takes --image=FILE with --text=QUESTION (or what a --task needs of them), or --jsonl=FILE; give "
            "one of the two"
        )
    if given:
        for image in args.image or ():
            _check_file(image, "--image", "a picture")
        images = [str(image) for image in given.pop("image", ())]
        return [({"image": images[0] if len(images) == 1 else images} if images else {}) | given], Path()
    return _read(args.jsonl, "--jsonl"), args.jsonl.parent if args.jsonl.is_file() else Path()


def _read(path: Path, option: str) -> list[dict[str, Any]]:
    """The rows of a file, an {"error"} for a line that is none."""
    _check_file(path, option, "a file of rows")
    try:
        lines = json_line.lines(path)
    except ValueError as error:
        raise ValueError(f"{option}={error}") from None
    rows = [_parsed(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if not rows:
        raise ValueError(f"{option}={path} holds no rows; expected one JSON object a line")
    return rows


def _named(args: argparse.Namespace, row: dict[str, Any], asks: Sequence[str]) -> dict[str, Any]:
    """The row of the options, whose text may be called a question; ValueError for one that the run would not read."""
    if "text" in row and "text" not in asks and "question" in asks:
        row = {"question" if name == "text" else name: value for name, value in row.items()}
    for name in row:
        if asks and name not in asks:  # a run that is asked nothing says so itself
            given = args.image[0] if name == "image" else args.text
            how = f"leave --{name} out" if set(asks) <= OPTIONS.keys() else "give the others by --jsonl"
            raise ValueError(
                f"--{name}={given}: the run in {args.workdir} takes no {name}, only {', '.join(asks)}; {how}"
            )
    return row


def _check_given(args: argparse.Namespace, row: dict[str, Any], model: Model) -> None:
    """Raises ValueError where the run reads more than the options give: an answer to half a question looks like any.

    Prompts say by themselves what they need, and of two views that are compared each stands by itself.
    """
    if model.feed.packed:
        _check_read(args, model)
    if model.feed.packed or hasattr(model.task, "couple"):
        return
    asks = tuple(model.feed.asks)
    lacking = [name for name in asks if name not in row or (isinstance(row[name], str) and not row[name].strip())]
    if lacking:
        known = [OPTIONS[name] for name in lacking if name in OPTIONS]
        how = f"give {' and '.join(known)}" if len(known) == len(lacking) else "give a row of all by --jsonl"
        raise ValueError(
            f"{_options(args)}: the run in {args.workdir} reads {', '.join(asks)}, and {' and '.join(lacking)} "
            f"{'is' if len(lacking) == 1 else 'are'} not given; {how} (in --jsonl, what is null counts as missing)"
        )


def _check_read(args: argparse.Namespace, model: Model) -> None:
    """Raises ValueError for a text that the run's prompt has no place for."""
    prompts = {name: part.part.prompt for name, part in zip(model.feed.sources, model.feed.parts, strict=True)}
    prompt = next(iter(prompts.values())) if len(prompts) == 1 else prompts.get(args.task)
    if not (args.text or "").strip() or prompt is None:
        return
    try:
        same = prompt.ask(None) == prompt.ask(args.text)
    except ValueError:  # it wants a text, or another one, which is told with what else is wrong
        return
    if same:
        raise ValueError(
            f"{_options(args)}: the run in {args.workdir} asks the same of every picture and would not read the text; "
            "leave --text out"
        )


def _check_file(path: Path, option: str, expected: str) -> None:
    if path.is_dir():
        raise ValueError(f"{option}={path}: a folder, expected {expected}")
    if not path.exists():  # a pipe is no file, and can be read
        raise FileNotFoundError(f"{option}={path}: there is no such file")


def _told(args: argparse.Namespace, error: str) -> str:
    """What is wrong with the one row, by its options; a picture that is at fault is named already."""
    if any(error.startswith(f"{image}: ") for image in args.image or ()):
        return f"--image={error}"
    return f"{_options(args)}: {error}"


def _options(args: argparse.Namespace) -> str:
    """What was given, a long text cut off."""
    images = [f"--image={image}" for image in args.image or ()]
    said = {name: getattr(args, name) for name in ("text", "task") if getattr(args, name) is not None}
    texts = [f"--{name}={text[:SHORT]}{'...' * (len(text) > SHORT)}" for name, text in said.items()]
    return " ".join([*images, *texts])


def _parsed(number: int, line: str) -> dict[str, Any]:
    try:
        row = json_line.parse(line, _refuse)
    except json.JSONDecodeError as error:
        return {"error": f"line {number} is not JSON: {error.msg} at column {error.colno}"}
    except ValueError as error:
        return {"error": f"line {number}: {error}"}
    if not isinstance(row, dict):
        return {"error": f'line {number} is a {type(row).__name__}, expected an object {{"image": ..., "text": ...}}'}
    # What a row brings along must not be taken for what is said about it.
    return {name: value for name, value in row.items() if name not in ("prediction", "confidence", "nearest", "error")}


def _refuse(constant: str) -> None:
    """Python would read NaN and Infinity, and write them to where nobody else could read them."""
    raise ValueError(f"{constant} is no JSON value")
