"""The grid: every fusion op on some data sets, the best on the rest, with three seeds; then table and plots.

`python -m experiments.fusion_bench.run` does what is not done yet; --dry-run says what that is.
"""

import argparse
import fcntl
import hashlib
import inspect
import itertools
import json
import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax

from experiments.fusion_bench import missing, tell
from experiments.fusion_bench.cells import SCORES, Cell, Failed
from experiments.fusion_bench.cost import costs
from experiments.fusion_bench.sets import CONFIGS, EVERY, REST, ops
from mmjax.cli.say import say
from mmjax.core.build import locate
from mmjax.train.loop import RESUME

BEST = 4


def main() -> int:
    parser = options(__doc__, "fusion_bench")
    parser.add_argument("--sets", nargs="+", default=[*EVERY, *REST], choices=[*EVERY, *REST], metavar="SET")
    parser.add_argument("--ops", nargs="+", choices=ops(), metavar="OP", help="these, whatever the data set")
    args = parsed(parser)
    failed = 0
    for name in args.sets:
        wanted = args.ops or (ops() if name in EVERY else best(done(args.out, args.seeds)))
        if not wanted and not args.dry_run:
            parser.error(f"{name} takes the {BEST} best of {' and '.join(EVERY)}: run these first")
        grid = cells(args.out, name, wanted, args.seeds)
        if args.dry_run:
            dry(grid)
        if args.dry_run and not wanted:
            print(f"{name}: the {BEST} best of the sets before, which are not known yet")
        failed += 0 if args.dry_run else fill(grid)
    if not args.dry_run:
        print(told(args.out))
    return int(failed > 0)


def options(said: str, name: str) -> argparse.ArgumentParser:
    """What every study takes: a folder (default: runs/NAME), how many seeds, and whether only to tell what there is."""
    parser = argparse.ArgumentParser(description=said.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("runs") / name)
    parser.add_argument("--seeds", type=count, default=3)
    parser.add_argument("--dry-run", action="store_true", help="only say which runs there are, and which are done")
    return parser


def parsed(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """What was typed; from then on runs that differ by their seed alone share one compilation."""
    args = parser.parse_args()
    jax.config.update("jax_compilation_cache_dir", str(args.out.absolute() / "compiled"))
    return args


def told(out: Path) -> str:
    """The table of all runs that are done, whichever process did them; it and results.json and plots are written.

    One process at a time: the last one has seen what all of them did.
    """
    out.mkdir(parents=True, exist_ok=True)
    with open(out / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = {name: measured(out / name, grid) for name, grid in finished(out).items()}
        (out / "results.json").write_text(json.dumps(found, indent=1) + "\n")
        text = tell.table(found)
        (out / "table.md").write_text(text)
        tell.plots(found, out)
    return text


def finished(out: Path) -> dict[str, dict[str, list[Cell]]]:
    """The runs that are done, by data set and op, of however many seeds there are."""
    seeds = [path.parent.name.rpartition("_")[2] for path in out.glob(f"*/*/{SCORES}")]
    most = 1 + max((int(seed) for seed in seeds if seed.isdigit()), default=-1)
    grids = {name: cells(out, name, ops(), most) for name in EVERY | REST}
    there = {
        name: {op: [cell for cell in row if cell.done] for op, row in grid.items()} for name, grid in grids.items()
    }
    return {name: {op: row for op, row in grid.items() if row} for name, grid in there.items() if any(grid.values())}


def count(text: str) -> int:
    """How many, at least one."""
    if not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 on")
    return int(text)


def cells(out: Path, name: str, wanted: Sequence[str], seeds: int) -> dict[str, list[Cell]]:
    """The runs of ops on a data set, one for each seed."""
    here = (EVERY | REST)[name]
    spec, reader = str(CONFIGS / here.spec), out / name / f"{wanted[0]}_0" if wanted else out
    changes = {op: here.overrides(op) for op in wanted}
    return {
        op: [Cell(out / name / f"{op}_{seed}", spec, changed, seed, reader) for seed in range(seeds)]
        for op, changed in changes.items()
    }


def accuracies(row: Sequence[Cell]) -> list[float]:
    """Those of the runs that are done."""
    return [cell.scores()["accuracy"] for cell in row if cell.done]


def done(out: Path, seeds: int) -> dict[str, dict[str, list[float]]]:
    """The accuracies of every op on the sets that every op runs on, as far as they are there."""
    return {name: {op: accuracies(row) for op, row in cells(out, name, ops(), seeds).items()} for name in EVERY}


def best(found: Mapping[str, Mapping[str, Sequence[float]]], count: int = BEST) -> list[str]:
    """The ops of the lowest mean rank by mean accuracy, of those that have one on each data set."""
    ranks: dict[str, list[int]] = {}
    for values in found.values():
        means = {op: statistics.mean(some) for op, some in values.items() if some}
        for rank, op in enumerate(sorted(means, key=lambda op: -means[op])):
            ranks.setdefault(op, []).append(rank)
    whole = [op for op in ranks if len(ranks[op]) == len(found)]
    return sorted(whole, key=lambda op: statistics.mean(ranks[op]))[:count]


def dry(grid: Mapping[str, Sequence[Cell]]) -> None:
    for cell in (cell for row in grid.values() for cell in row):
        print(f"{'done ' if cell.done else 'to do'}  {cell.command}")


def fill(grid: Mapping[str, Sequence[Cell]]) -> int:
    """Does what is not done; how many runs failed, which keep no other from being done.

    Each row has its first run before any has its second, so that a part of the grid compares all.
    """
    turns = [cell for cells in itertools.zip_longest(*grid.values()) for cell in cells if cell is not None]
    failed, total = 0, len(turns)
    for number, cell in enumerate(turns, 1):
        if not cell.done:
            say(f"{number} of {total}: {cell.folder}")
        try:
            cell.scores()
        except Failed as error:
            if error.code == RESUME:
                sys.exit(RESUME)
            say(str(error))
            failed += 1
    return failed


def measured(folder: Path, grid: Mapping[str, Sequence[Cell]]) -> dict[str, dict[str, Any]]:
    """Of each op its accuracies, what its step costs and what it scores where modalities are missing."""
    kept = folder / "costs.json"
    known = json.loads(kept.read_text()) if kept.is_file() else {}
    digests = {op: digest(op, row[0]) for op, row in grid.items()}
    if any(known.get(op, {}).get("of") != of for op, of in digests.items()):
        # All anew: times are only compared with those of the same minutes.
        known = costs({op: row[0].folder for op, row in grid.items()})
        known = {op: {**cost, "of": digests[op]} for op, cost in known.items()}
        kept.write_text(json.dumps(known, indent=1) + "\n")
    found = {}
    for op, row in grid.items():
        curves = [missing.curve(cell.folder) for cell in row]
        shares = {rate: [curve[rate] for curve in curves] for rate in curves[0]}
        cost = {name: value for name, value in known[op].items() if name != "of"}
        found[op] = {"accuracy": accuracies(row), **cost, "missing": shares}
    return found


def digest(op: str, cell: Cell) -> str:
    """Of what an op's cost was measured: its file and the config of its run."""
    parts = Path(inspect.getfile(locate(f"fusion.{op}"))), cell.folder / "config.json"
    return hashlib.sha256(b"".join(part.read_bytes() for part in parts)).hexdigest()[:16]


if __name__ == "__main__":
    sys.exit(main())
