"""Two views in one space by every loss: how well one finds what belongs to it in the other, with three seeds.

`python -m experiments.joint_representations.run` does what is not done yet; --dry-run says what that is.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.fusion_bench.cells import Cell
from experiments.fusion_bench.run import dry, fill, options, parsed
from experiments.fusion_bench.tell import mean
from mmjax.cli import config

SPEC = str(Path(config.__file__).parents[2] / "configs/two_views.py")
SETS = {"mfeat": ("base", ("fou", "pix")), "av_digits": ("av_digits", ("image", "sound"))}
FREE = "free"  # vectors of any length, where the others are of length 1
LOSSES: Mapping[str, tuple[str, dict[str, Any]]] = {
    "DCCA": ("losses.dcca", {FREE: True, "task.canonical": {"use": "losses.canonical"}}),
    "DCCA-EY": ("losses.dcca_ey", {FREE: True}),
    "soft CCA": ("losses.soft_cca", {FREE: True}),
    "Barlow Twins": ("losses.barlow_twins", {FREE: True}),
    "VICReg": ("losses.vicreg", {FREE: True}),
    "pairs": ("losses.pair", {}),
    "triplet, semi-hard": ("losses.triplet", {}),
    "triplet, hardest": ("losses.triplet", {"task.loss_of.mine": "hardest"}),
    "quadruplet": ("losses.quadruplet", {}),
    "multi-similarity": ("losses.multi_similarity", {}),
    "N-pair": ("losses.n_pair", {FREE: True}),
    "CLIP": ("losses.clip", {"task.model.scale": 1 / 0.07}),
    "SigLIP": ("losses.ring_siglip", {"task.model.scale": 10.0, "task.model.bias": -10.0}),
}
SCORES = {
    "recall at 1": "recall_at_1",
    "recall at 10": "recall_at_10",
    "mean average precision": "mean_average_precision",
}


def main() -> int:
    parser = options(__doc__, "joint_representations")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=[*SETS], metavar="SET")
    args = parsed(parser)
    failed = 0
    for name in args.sets:
        grid = {loss: cells(args.out, name, loss, args.seeds) for loss in LOSSES}
        if args.dry_run:
            dry(grid)
            continue
        failed += fill(grid)
        text = table(name, grid)
        (args.out / f"{name}.md").write_text(text)
        print(text)
    return int(failed > 0)


def cells(out: Path, name: str, loss: str, seeds: int) -> list[Cell]:
    """The runs of a loss on a data set, one for each seed."""
    variant, views = SETS[name]
    path, given = LOSSES[loss]
    changes = {"task.loss_of": {"use": path}} | {key: value for key, value in given.items() if key != FREE}
    if FREE in given:
        changes["task.model.heads"] = {view: {"use": "heads.regress", "outputs": 16} for view in views}
    folder = "".join(letter if letter.isalnum() else "_" for letter in loss.lower())
    reader = out / name / "dcca_0"
    return [Cell(out / name / f"{folder}_{seed}", f"{SPEC}:{variant}", changes, seed, reader) for seed in range(seeds)]


def table(name: str, grid: Mapping[str, Sequence[Cell]]) -> str:
    """Markdown: both ways' means, the best mean average precision first."""
    found = {loss: [cell.scores() for cell in row if cell.done] for loss, row in grid.items()}
    lines = [f"### {name}", "", f"| loss | {' | '.join(SCORES)} |", "|---" * (1 + len(SCORES)) + "|"]
    ranked = sorted((loss for loss in found if found[loss]), key=lambda loss: -best(found[loss]))
    for loss in ranked:
        told = (mean([one[key] for one in found[loss]]) for key in SCORES.values())
        lines.append(f"| {loss} | {' | '.join(told)} |")
    return "\n".join(lines) + "\n"


def best(scores: Sequence[Mapping[str, float]]) -> float:
    return sum(one["mean_average_precision"] for one in scores) / len(scores)


if __name__ == "__main__":
    sys.exit(main())
