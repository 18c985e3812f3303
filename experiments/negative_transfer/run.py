"""Where one modality alone beats all together, and what each cure does: variants of configs/negative_transfer.py.

`python -m experiments.negative_transfer.run` does what is not done yet; --dry-run says what that is.
"""

import json
import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib

from experiments.fusion_bench.cells import Cell
from experiments.fusion_bench.run import dry, fill, options, parsed
from experiments.fusion_bench.sets import CONFIGS
from experiments.fusion_bench.tell import mean, plain
from mmjax.cli import config
from mmjax.cli.say import say
from mmjax.train import log
from mmjax.train.loop import Run

matplotlib.use("agg")
from matplotlib import pyplot as plt

matplotlib.rcParams["svg.fonttype"] = "none"  # letters as text, not as paths
matplotlib.rcParams["svg.hashsalt"] = "mmjax"  # the same figure is the same file

MODALITIES = ("image", "sound")
FUSED = "fused"
ALIKE, KEPT = "train[2%:25%]", "alike.json"  # the pictures that no run learns from, with sounds as in training
ACCURACY, COSINE, NORM = "accuracy/unimodal and fused/", "cosine/gradients/", "norm/gradients of encoders/"
JOINT, WATCHED = "base", "watch"
DROPOUT = {"use": "missing.modality_dropout", "order": MODALITIES, "rate": 0.5}
RUNS: Mapping[str, tuple[str, dict[str, Any], str]] = {  # variant, overrides, in words
    **{name: (name, {}, "alone") for name in MODALITIES},
    JOINT: (JOINT, {}, "both, no cure"),
    WATCHED: (WATCHED, {}, "encoders learn from heads of their own too (`heads`, gradients told)"),
    "ogm_ge": ("ogm_ge", {}, "OGM-GE"),
    "blending": ("blending", {}, "Gradient-Blending"),
    "pcgrad": ("pcgrad", {}, "PCGrad"),
    "ogm_ge_1": ("ogm_ge", {"task.alpha": 1.0}, "OGM-GE, alpha 1 in place of 0.3"),
    "blending_20": ("blending", {"task.window": 20, "task.held": 0.2}, "blending by 20 steps, 1/5 held out"),
    "dropout": (JOINT, {"task.model.interactions": (DROPOUT,)}, "one is missing in 3/4 of the training rows"),
}

# Of a run: {split: {what predicts: accuracy}, "best": over the steps, "alike": accuracy on other rows as in training,
# "curves": {"split/name": [[step, value], ...]}}.
Found = Mapping[str, Any]
Grid = Mapping[str, Sequence[Found]]


def main() -> int:
    args = parsed(options(__doc__, "negative_transfer"))
    grid = cells(args.out, args.seeds)
    if args.dry_run:
        dry(grid)
        return 0
    failed = fill(grid)
    found = {
        name: [{**read(cell.folder), **alike(cell.folder)} for cell in row if cell.done] for name, row in grid.items()
    }
    found = {name: row for name, row in found.items() if row}
    (args.out / "results.json").write_text(json.dumps(found, indent=1) + "\n")
    text = table(found) + (f"\n{gradients(found[WATCHED])}" if WATCHED in found else "")
    (args.out / "table.md").write_text(text)
    plot(found, args.out / "negative_transfer.svg")
    if WATCHED in found:
        plot_gradients(found[WATCHED], args.out / "gradients.svg")
    print(text)
    return int(failed > 0)


def cells(out: Path, seeds: int) -> dict[str, list[Cell]]:
    """The runs of each row, one for each seed; those of the same modalities take what the first one of them read."""
    spec, grid = CONFIGS / "negative_transfer.py", {}
    for name, (variant, changes, _) in RUNS.items():
        reader = out / f"{name if name in MODALITIES else JOINT}_0"
        grid[name] = [Cell(out / f"{name}_{seed}", f"{spec}:{variant}", changes, seed, reader) for seed in range(seeds)]
    return grid


def read(folder: Path) -> Found:
    """What the log of a run says of all together and of each alone, and of gradients where they were watched."""
    found: dict[str, Any] = {"curves": {}}
    for row in log.read(folder):
        found[row["split"]] = {name.removeprefix(ACCURACY): row[name] for name in row if name.startswith(ACCURACY)}
        for name in (name for name in row if name.startswith((ACCURACY, COSINE, NORM))):
            found["curves"].setdefault(f"{row['split']}/{name}", []).append([row["step"], row[name]])
    return found | {"best": max(value for _, value in found["curves"][f"test/{ACCURACY}{FUSED}"])}


def alike(folder: Path) -> dict[str, float]:
    """The accuracy on rows that are as in training, and were not in it: `mmjax evaluate --split` says the same."""
    kept = folder / KEPT
    if not kept.is_file():
        with Run(config.load_run(folder), folder, say, trains=False) as running:
            _, variables = running.checkpoints.load(None)
            scores, _ = running.evaluate(running.partition.put_state(variables), ALIKE)
        kept.write_text(json.dumps({"alike": scores["accuracy"]}) + "\n")
    return json.loads(kept.read_text())


def table(found: Grid) -> str:
    """Markdown: accuracies at the end of the runs of each row, and how far the joint ones are from the best alone."""
    heads = ["run", "test", "from the best alone", *(f"test, {name} in it" for name in MODALITIES), "test, best step"]
    heads += ["train", "train - test", "others as in training"]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    alone = [statistics.mean(fused(found[name])) for name in MODALITIES if name in found]
    for name, row in found.items():
        best = f"{100 * (statistics.mean(fused(row)) - max(alone)):+.2f}" if alone and name not in MODALITIES else ""
        told = [mean(fused(row)), best]
        told += [mean([one["test"][part] for one in row]) if part in row[0]["test"] else "" for part in MODALITIES]
        told += [mean([one["best"] for one in row]), mean([one["train"][FUSED] for one in row])]
        told += [mean([one["train"][FUSED] - one["test"][FUSED] for one in row])]
        told += [mean([one["alike"] for one in row])]
        lines.append(f"| `{name}`: {RUNS[name][-1]} | {' | '.join(told)} |")
    return "\n".join(lines) + "\n"


def fused(row: Sequence[Found]) -> list[float]:
    """Test accuracy of each seed."""
    return [one["test"][FUSED] for one in row]


def gradients(row: Sequence[Found]) -> str:
    """Markdown: what was watched, as means of thirds of the steps."""
    names = [name for name in row[0]["curves"] if COSINE in name or NORM in name]
    steps = [step for step, _ in row[0]["curves"][names[0]]]
    thirds = [steps[k * len(steps) // 3 : (k + 1) * len(steps) // 3] for k in range(3)]
    heads = ["of the gradients", *(f"steps up to {some[-1]}" for some in thirds)]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for name in names:
        curves = [dict(one["curves"][name]) for one in row]
        told = [plain([statistics.mean(curve[step] for step in some) for curve in curves]) for some in thirds]
        lines.append(f"| {words(name)} | {' | '.join(told)} |")
    return "\n".join(lines) + "\n"


def words(name: str) -> str:
    kind, what = ("cosine", COSINE) if COSINE in name else ("norm, encoder of", NORM)
    return f"{kind} {name.rpartition(what)[-1]}"


def plot(found: Grid, path: Path) -> None:
    """Test accuracies of each row, all together and each alone in it; and those of runs without a cure by step."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.6), layout="constrained", width_ratios=(3, 2))
    names = list(found)
    for k, part in enumerate((FUSED, *MODALITIES)):
        rows = [i for i, name in enumerate(names) if part in found[name][0]["test"]]
        # A run of one modality has it fused with nothing.
        rows = [i for i in rows if part == FUSED or names[i] not in MODALITIES]
        values = [[100 * one["test"][part] for one in found[names[i]]] for i in rows]
        at = [i + 0.16 * (k - 1) for i in rows]
        errors = [deviation(some) for some in values]
        label = "the run's answer" if part == FUSED else f"{part}, in the same run"
        left.errorbar(
            list(map(statistics.mean, values)), at, xerr=errors, fmt="oD^"[k], label=label, color=f"C{k}", capsize=2
        )
    alone = [name for name in MODALITIES if name in found]
    if alone:
        best = max(alone, key=lambda name: statistics.mean(fused(found[name])))
        left.axvline(100 * statistics.mean(fused(found[best])), color="0.6", linewidth=1, linestyle="--")
    left.set_yticks(range(len(names)), names)
    left.invert_yaxis()
    left.set_xlabel("test accuracy, %")
    left.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=3, fontsize=8)
    for k, name in enumerate(name for name in (JOINT, *MODALITIES) if name in found):
        for split, line in (("train", ":"), ("test", "-")):
            curves = [dict(one["curves"][f"{split}/{ACCURACY}{FUSED}"]) for one in found[name]]
            values = [100 * statistics.mean(curve[step] for curve in curves) for step in curves[0]]
            right.plot(list(curves[0]), values, line, color=f"C{k}", label=f"{name}, {split}")
    right.set_xlabel("step")
    right.set_ylabel("accuracy, %")
    right.legend(frameon=False, fontsize=8, ncols=2)
    finish(figure, path)


def plot_gradients(row: Sequence[Found], path: Path) -> None:
    """Norms by encoder and cosines by pair of losses, as means over seeds with their deviation."""
    figure, axes = plt.subplots(1, 2, figsize=(11, 3.8), layout="constrained")
    for axis, start, label in ((axes[0], NORM, "norm of the gradient"), (axes[1], COSINE, "cosine of gradients")):
        for name in (name for name in row[0]["curves"] if start in name):
            curves = [dict(one["curves"][name]) for one in row]
            values = [[curve[step] for curve in curves] for step in curves[0]]
            axis.errorbar(
                list(curves[0]),
                list(map(statistics.mean, values)),
                list(map(deviation, values)),
                label=name.rpartition(start)[-1],
                color=colour(name.rpartition(start)[-1]),
                capsize=2,
            )
        axis.set_xlabel("step")
        axis.set_ylabel(label)
        axis.legend(frameon=False)
    axes[1].axhline(0, color="0.6", linewidth=1)
    finish(figure, path)


def colour(words: str) -> str:
    """That of the first modality that is named; two of them have one of their own."""
    named = [k for k, name in enumerate(MODALITIES, 1) if name in words]
    return f"C{named[0]}" if len(named) == 1 else "C3"


def deviation(values: Sequence[float]) -> float:
    return statistics.stdev(values) if len(values) > 1 else 0.0


def finish(figure: Any, path: Path) -> None:
    for axis in figure.axes:
        axis.grid(alpha=0.3)
        axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(path)
    plt.close(figure)


if __name__ == "__main__":
    sys.exit(main())
