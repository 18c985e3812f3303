"""Streams that are late to each other: how well their offset is told, and what a fusion that needs them in step makes.

`python -m experiments.alignment.run` does what is not done yet; --dry-run says what that is.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import jax
import matplotlib
import numpy as np

from experiments.fusion_bench.cells import Cell
from experiments.fusion_bench.run import dry, fill, options, parsed
from experiments.fusion_bench.sets import CONFIGS
from experiments.fusion_bench.tell import mean, plain
from mmjax.align import clock, correlation
from mmjax.cli import config
from mmjax.cli.say import say
from mmjax.data import prepared
from mmjax.data.bounces import bounce
from mmjax.data.late_bounces.late_bounces_dataset_builder import MOST
from mmjax.metrics.within import Within
from mmjax.train.loop import Run

matplotlib.use("agg")
from matplotlib import pyplot as plt

matplotlib.rcParams["svg.hashsalt"] = "mmjax"  # the same figure is the same file

RATE = 100  # steps a second, of the clock on which energies are compared
FRAME = bounce.SECONDS / bounce.FRAMES
METHODS = {
    "correlation of energies": lambda *streams: correlation.hard_offset(correlation.correlation(*streams)),
    "correlation of energies, soft": lambda *streams: correlation.soft_offset(correlation.correlation(*streams)),
    "GCC-PHAT of energies": lambda *streams: correlation.hard_offset(correlation.gcc_phat(*streams)),
}
LEARNED = "learned (`configs/late_streams.py`)"
VARIANTS = {
    "in_time": "streams in step, fused step by step",
    "plain": "late streams, fused step by step",
    "attended": "late streams, fused step by step, a transformer over the steps",
    "crossed": "late streams, cross-attention first (`interaction.cross_attention`)",
    "base": "late streams, brought in step first (`interaction.aligned`)",
}
RECORDS = "offsets.json"

Offsets = Mapping[str, Sequence[tuple[np.ndarray, np.ndarray]]]  # (told, true) [N] in seconds, of each seed


def main() -> int:
    args = parsed(options(__doc__, "alignment"))
    grid = cells(args.out, args.seeds)
    if args.dry_run:
        dry(grid)
        return 0
    failed = fill(grid)
    found = {name: [one] for name, one in energies().items()}
    found[LEARNED] = [told(cell.folder) for cell in grid["offset"] if cell.done]
    text = f"{offsets(found)}\n{fused({name: grid[name] for name in VARIANTS})}"
    (args.out / "table.md").write_text(text)
    plot(found, args.out / "offsets.svg")
    print(text)
    return int(failed > 0)


def cells(out: Path, seeds: int) -> dict[str, list[Cell]]:
    """The runs that learn the offset, and those of each variant of the fusion, one for each seed."""
    specs = {"offset": f"{CONFIGS}/late_streams.py"}
    specs |= {name: f"{CONFIGS}/late_signals.py:{name}" for name in VARIANTS}
    return {
        name: [Cell(out / f"{name}_{seed}", spec, {}, seed, out / f"{name}_0") for seed in range(seeds)]
        for name, spec in specs.items()
    }


def energies(name: str = "late_bounces", split: str = "test") -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """What each method tells of how much moves and how loud it is, and the truth, in seconds [N]."""
    rows = list(prepared.open_rows(prepared.builder(name), split))
    films, sounds = (np.stack([row[feature] for row in rows]).astype(np.float32) for feature in ("film", "sound"))
    moves = np.abs(np.diff(films.mean(axis=-1), axis=1)).mean(axis=(2, 3))
    hop = bounce.RATE // RATE
    loud = np.sqrt(np.square(sounds.reshape(len(rows), -1, hop)).mean(axis=-1))
    frames, steps = FRAME * (np.arange(1, bounce.FRAMES) - 0.5), (np.arange(loud.shape[1]) + 0.5) / RATE
    (x, x_real), (y, y_real) = (_on_clock(*stream) for stream in ((moves, frames, FRAME), (loud, steps, 1 / RATE)))
    given = x, y, x_real, y_real, round(MOST * RATE)
    truth = np.array([row["offset"] for row in rows])
    return {name: (np.asarray(method(*given)) / RATE, truth) for name, method in METHODS.items()}


def _on_clock(values: np.ndarray, times: np.ndarray, gap: float) -> tuple[jax.Array, jax.Array]:
    """[N, L] at times [L] in seconds, a step at most `gap` apart, to [N, K] and what is real of it."""
    at, steps = np.broadcast_to(times, values.shape), np.arange(round(bounce.SECONDS * RATE)) / RATE
    run = jax.jit(partial(clock.linear, gap=1.5 * gap))
    found, real = run(values[..., None], at, np.ones(values.shape, bool), steps)
    return found[..., 0], real


def told(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """What a run tells of each test row, and the truth, in seconds [N], kept in its folder."""
    kept = folder / RECORDS
    if not kept.is_file():
        with Run(config.load_run(folder), folder, say, trains=False) as running:
            _, variables = running.checkpoints.load(None)
            _, records = running.evaluate(running.partition.put_state(variables), None)
        kept.write_text(json.dumps([[record["prediction"], record["truth"]] for record in records]) + "\n")
    return tuple(np.array(json.loads(kept.read_text()), np.float64).T)


def offsets(found: Offsets) -> str:
    """Markdown: the share of clips whose offset is told to a frame, and the error at the median."""
    lines = ["| offset told by | right within a frame (1/16 s) | median error, ms |", "|---|---|---|"]
    for name, row in found.items():
        scores = [Within(FRAME)(*one) for one in row]
        shares, errors = mean([one["within"] for one in scores]), plain([1000 * one["median_error"] for one in scores])
        lines.append(f"| {name} | {shares} | {errors} |")
    return "\n".join(lines) + "\n"


def fused(grid: Mapping[str, Sequence[Cell]]) -> str:
    """Markdown: the test accuracy of each variant."""
    lines = ["| variant | accuracy |", "|---|---|"]
    for name, row in grid.items():
        if scores := [cell.scores()["accuracy"] for cell in row if cell.done]:
            lines.append(f"| `{name}`: {VARIANTS[name]} | {mean(scores)} |")
    return "\n".join(lines) + "\n"


def plot(found: Offsets, path: Path) -> None:
    """What is told against what is true, a point a clip; of what was trained, seed 0."""
    figure, axes = plt.subplots(1, len(found), figsize=(3.2 * len(found), 3.4), sharex=True, sharey=True)
    for axis, (name, row) in zip(axes, found.items(), strict=True):
        said, true = row[0]
        axis.plot([-MOST, MOST], [-MOST, MOST], color="#626b7a", linewidth=0.8, linestyle="--")
        axis.scatter(true, said, s=4, color="#3558d4", alpha=0.5, linewidths=0)
        axis.set_title(name.partition(" (")[0], fontsize=9, loc="left")
        axis.set_xlabel("true offset, s", fontsize=8)
        axis.tick_params(labelsize=8)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("told, s", fontsize=8)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


if __name__ == "__main__":
    sys.exit(main())
