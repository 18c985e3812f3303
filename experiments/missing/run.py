"""What is best done about views that are missing: variants of configs/mfeat.py, with three seeds; a table and a plot.

`python -m experiments.missing.run` does what is not done yet; --dry-run says what that is.
"""

import json
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import matplotlib

from experiments.fusion_bench.cells import Cell
from experiments.fusion_bench.missing import curve
from experiments.fusion_bench.run import dry, fill, options, parsed
from experiments.fusion_bench.sets import CONFIGS
from experiments.fusion_bench.tell import mean

matplotlib.use("agg")
from matplotlib import pyplot as plt

matplotlib.rcParams["svg.fonttype"] = "none"  # letters as text, not as paths
matplotlib.rcParams["svg.hashsalt"] = "mmjax"  # the same figure is the same file

STEPS = 300
BASE = "zeros"  # what the others are compared with
VARIANTS = {
    BASE: "zeros in place of what is missing, never so in training",
    "dropped": "zeros, with modality dropout",
    "nulls": "learned null tokens, with modality dropout",
    "reconstructed": "told from the views that are there, with modality dropout",
    "centroids": "a mixture of centroids, with modality dropout",
    "masked": "a mean of what is there, with modality dropout",
}
SHOWN = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9)  # the rates that stand in the table

Seeds = Sequence[Mapping[float, float]]  # the accuracy by missing rate of each seed
Curves = Mapping[str, Seeds]


def main() -> int:
    args = parsed(options(__doc__, "missing"))
    grid = cells(args.out, args.seeds)
    if args.dry_run:
        dry(grid)
        return 0
    failed = fill(grid)
    found = {name: [curve(cell.folder) for cell in row if cell.done] for name, row in grid.items()}
    found = {name: row for name, row in found.items() if row}
    (args.out / "results.json").write_text(json.dumps(found, indent=1) + "\n")
    text = table(found)
    (args.out / "table.md").write_text(text)
    plot(found, args.out / "missing.svg")
    print(text)
    return int(failed > 0)


def cells(out: Path, seeds: int) -> dict[str, list[Cell]]:
    """The runs of each variant, one for each seed; what the first one of all read the others take."""
    reader = out / f"{BASE}_0"
    return {
        name: [
            Cell(out / f"{name}_{seed}", f"{CONFIGS}/mfeat.py:{name}", {"steps": STEPS}, seed, reader)
            for seed in range(seeds)
        ]
        for name in VARIANTS
    }


def table(found: Curves) -> str:
    """Markdown: accuracy by missing rate, and at which rates the mean, and every seed, is above the baseline."""
    heads = ["variant", *(f"{rate:.0%} missing" for rate in SHOWN)]
    heads += [f"mean above that of `{BASE}` at", "worst seed above its best at"]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for name, row in found.items():
        told = [mean([one[rate] for one in row]) for rate in SHOWN]
        told += [above(row, found.get(BASE, ()), *by) for by in ((statistics.mean, statistics.mean), (min, max))]
        lines.append(f"| `{name}`: {VARIANTS[name]} | {' | '.join(told)} |")
    return "\n".join(lines) + "\n"


def above(row: Seeds, base: Seeds, of: Callable[..., float], of_base: Callable[..., float]) -> str:
    """The rates at which what `of` makes of the seeds of a variant is above what `of_base` makes of the baseline's."""
    if not base or row is base:
        return ""
    rates = [rate for rate in row[0] if of(one[rate] for one in row) > of_base(one[rate] for one in base)]
    return ", ".join(f"{100 * rate:.0f}" for rate in rates) + " %" if rates else "no rate"


def plot(found: Curves, path: Path) -> None:
    """Mean accuracy by missing rate, with the spread of the seeds."""
    figure, axis = plt.subplots(figsize=(7.2, 4.8), layout="constrained")
    for name, row in found.items():
        rates = list(row[0])
        values = [[100 * one[rate] for one in row] for rate in rates]
        spread = [statistics.stdev(some) if len(some) > 1 else 0 for some in values]
        axis.errorbar(
            rates, list(map(statistics.mean, values)), spread, label=name, marker="o", markersize=3, capsize=2
        )
    axis.set_xlabel("probability that a view is missing")
    axis.set_ylabel("test accuracy, %")
    axis.grid(alpha=0.3)
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False)
    figure.savefig(path)
    plt.close(figure)


if __name__ == "__main__":
    sys.exit(main())
