"""CLIP and SigLIP in small: retrieval both ways, and classes by prompts, with three seeds.

`python -m experiments.contrast.run` does what is not done yet; --dry-run says what that is.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from experiments.fusion_bench.cells import Cell, evaluated
from experiments.fusion_bench.run import dry, fill, options, parsed
from experiments.fusion_bench.sets import CONFIGS
from experiments.fusion_bench.tell import mean

LOSSES = {"CLIP": "clip.py", "SigLIP": "siglip.py"}
VIEWS = {"captions": ("image", "text"), "emoji": ("google", "twitter")}
VARIANTS = {"captions": "base", "emoji": "emoji"}
PROMPTS = ("{}",)  # a class is called by its caption, and the captions have no other words
AT = (1, 5, 10)
ZERO_SHOT = "zero_shot.json"


def main() -> int:
    parser = options(__doc__, "contrast")
    parser.add_argument("--sets", nargs="+", choices=VIEWS, default=[*VIEWS], metavar="SET")
    args = parsed(parser)
    failed = 0
    for name in args.sets:
        grid = cells(args.out, name, args.seeds)
        if args.dry_run:
            dry(grid)
            continue
        failed += fill(grid)
        text = table(name, grid)
        (args.out / f"{name}.md").write_text(text)
        print(text)
    return int(failed > 0)


def cells(out: Path, name: str, seeds: int) -> dict[str, list[Cell]]:
    """The runs of each loss on a data set, one for each seed."""
    reader = out / name / "clip_0"
    return {
        loss: [
            Cell(out / name / f"{loss.lower()}_{seed}", f"{CONFIGS}/{file}:{VARIANTS[name]}", {}, seed, reader)
            for seed in range(seeds)
        ]
        for loss, file in LOSSES.items()
    }


def zero_shot(cell: Cell) -> float:
    """The accuracy of classes by prompts, as `mmjax evaluate` says it, kept in the run's folder."""
    told = evaluated(cell.folder, ZERO_SHOT, *(f"--prompt={prompt}" for prompt in PROMPTS))
    return told["zero_shot_accuracy"]


def table(name: str, grid: Mapping[str, Sequence[Cell]]) -> str:
    """Markdown: recall among the 1, 5 and 10 nearest both ways, and classes by prompts where there are texts."""
    one, other = VIEWS[name]
    ways = (f"{one} to {other}", f"{other} to {one}")
    heads = ["loss", *(f"{way}: recall at {k}" for way in ways for k in AT)]
    by_prompts = other == "text"
    lines = [f"| {' | '.join(heads + ['by prompts'] * by_prompts)} |"]
    lines += ["|---" * (len(heads) + by_prompts) + "|"]
    for loss, row in grid.items():
        done = [cell for cell in row if cell.done]
        if not done:
            continue
        scores = [cell.scores() for cell in done]
        told = [mean([s[f"recall_at_{k}/retrieval/{way}"] for s in scores]) for way in ways for k in AT]
        if by_prompts:
            told.append(mean([zero_shot(cell) for cell in done]))
        lines.append(f"| {loss} | {' | '.join(told)} |")
    return f"### {name}\n\n" + "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
