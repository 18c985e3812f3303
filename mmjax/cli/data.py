"""mmjax data: build data sets from files or installed packages, list them, and show their rows."""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmjax.cli.say import say

SHORT = 8  # numbers that are shown one by one


def add(parser: argparse.ArgumentParser) -> None:
    what = parser.add_subparsers(dest="what", required=True, metavar="build|list|show")
    build = what.add_parser("build", help="a data set by NAME, or of your own by --source=FILE.jsonl --name=NAME")
    build.add_argument("set", nargs="?", help="a data set that mmjax or TFDS knows, such as easyvqa")
    build.add_argument(
        "--source", type=_path, help="the folder or .zip of a set whose files you bring, or rows of your own"
    )
    build.add_argument("--name", help="what the data set is called from then on")
    build.add_argument("--skip-bad", action="store_true", help="leave bad rows out instead of failing")
    what.add_parser("list", help="what is prepared")
    show = what.add_parser("show", help="rows of a prepared data set")
    show.add_argument("set")
    show.add_argument("--split", default="train")
    show.add_argument("--count", type=int, default=5)
    for verb in what.choices.values():
        verb.add_argument("--data-dir", default=None, help="default: $TFDS_DATA_DIR, else ~/tensorflow_datasets")


def run(args: argparse.Namespace) -> int:
    from mmjax.data import own, prepared

    if args.what == "list":
        found = prepared.built(args.data_dir)
        if not found:
            say(f"nothing is prepared in {prepared.root(args.data_dir)}")
        for name, version, splits, rows in found:
            print(f"{name}  {version}  {rows:,} rows ({_parts(splits)})")
    elif args.what == "show":
        for row in prepared.peek(args.set, args.split, args.count, args.data_dir):
            print(json.dumps({name: _plain(value) for name, value in row.items()}, default=str))
    elif args.set and not args.name:
        found = prepared.prepare(args.set, args.data_dir, args.source)
        # Or whoever brings other files would believe that they are what is there.
        _tell(found, ", as before: remove that folder to build it anew" if args.source and found["before"] else "")
    elif args.source is not None and args.name and not args.set:
        _tell(own.build(args.source, args.name, args.data_dir, skip_bad=args.skip_bad))
    else:
        given = f"--source={args.source}: " if args.source else ""
        raise ValueError(
            f"{given}data build takes the NAME of a known data set, such as easyvqa, with --source=FOLDER where you "
            "bring its files; or --source=FILE.jsonl --name=NAME, what data of your own will be called"
        )
    return 0


def _path(text: str) -> Path:
    return Path(text).expanduser()  # no shell does it after an "="


def _plain(value: Any) -> Any:
    """Pixels and samples say nothing to a reader of a terminal; how many there are does."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    shape = getattr(value, "shape", ())
    if len(shape) == 3:
        return f"picture of {shape[1]} x {shape[0]}"
    if shape:
        return value.tolist() if value.size <= SHORT else f"{' x '.join(map(str, shape))} numbers"
    return value


def _tell(summary: Mapping[str, Any], rest: str = "") -> None:
    for note in summary["notes"]:
        say(f"{summary['name']}: {note}")
    skipped = f", {summary['skipped']} bad rows left out" if summary.get("skipped") else ""
    rows = f"{_parts(summary['splits'])} rows in {summary['folder']}"
    say(f"{summary['name']} {summary['version']}: {rows}{skipped}{rest}")


def _parts(splits: Mapping[str, int]) -> str:
    return ", ".join(f"{split} {number:,}" for split, number in splits.items())
