"""mmjax data: build data sets from files or installed packages, list them, and show their rows."""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmjax.cli.say import say


def add(parser: argparse.ArgumentParser) -> None:
    what = parser.add_subparsers(dest="what", required=True, metavar="build|list|show")
    build = what.add_parser("build", help="a data set by NAME, or from --source=FILE.jsonl as --name=NAME")
    build.add_argument("set", nargs="?", help="a data set that mmjax knows, such as easyvqa")
    build.add_argument("--source", type=Path, help="rows with image, question and answer, or caption")
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
    elif args.source is not None:
        if args.set or not args.name:
            raise ValueError(f"--source={args.source} goes with --name=NAME, what the data set will be called")
        _tell(own.build(args.source, args.name, args.data_dir, skip_bad=args.skip_bad))
    elif args.set:
        _tell(prepared.prepare(args.set, args.data_dir))
    else:
        raise ValueError("data build takes a data set's name, such as easyvqa, or --source=FILE.jsonl --name=NAME")
    return 0


def _plain(value: Any) -> Any:
    """Pixels say nothing to a reader of a terminal; the picture's size does."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    shape = getattr(value, "shape", ())
    return f"picture of {shape[1]} x {shape[0]}" if len(shape) == 3 else value


def _tell(summary: Mapping[str, Any]) -> None:
    skipped = f", {summary['skipped']} bad rows left out" if summary.get("skipped") else ""
    say(f"{summary['name']} {summary['version']}: {_parts(summary['splits'])} rows in {summary['folder']}{skipped}")


def _parts(splits: Mapping[str, int]) -> str:
    return ", ".join(f"{split} {number:,}" for split, number in splits.items())
