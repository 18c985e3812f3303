"""NLVR by few sentences: alone, and after generated statements of boxes whose contents are told; with three seeds.

`python -m experiments.nlvr.run` does what is not done yet; --dry-run says what that is.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from experiments.fusion_bench.cells import Cell, evaluated
from experiments.fusion_bench.run import dry, fill, options, parsed
from experiments.fusion_bench.sets import CONFIGS
from experiments.fusion_bench.tell import mean

STAGES = {
    "scratch": "the sentences alone",
    "counts": None,
    "scenes": None,
    "statements": "generated statements alone, judged as they are",
    "base": "generated statements, then the sentences",
    "beit3_scratch": "by BEiT-3's transformer: the sentences alone",
    "beit3_scenes": None,
    "beit3_statements": "... generated statements alone",
    "beit3": "... generated statements, then the sentences",
}
# What each starts from, by the key that names it; words are those of the run that is named first.
AFTER = {
    "statements": {"init_from": "scenes", "init_from.also": "counts"},
    "base": {"init_from": "statements"},
    "beit3_statements": {"init_from": "beit3_scenes", "init_from.also": "counts"},
    "beit3": {"init_from": "beit3_statements"},
}
# How a run of generated statements is asked about the published sentences.
PUBLISHED = ("--config.data.name=nlvr", "--config.data.group={'use': 'data.group', 'feature': 'identifier'}")


def main() -> int:
    args = parsed(options(__doc__, "nlvr"))
    grid = cells(args.out, args.seeds)
    if args.dry_run:
        dry(grid)
        return 0
    failed = fill(grid)
    text = table(grid)
    (args.out / "table.md").write_text(text)
    print(text)
    return int(failed > 0)


def cells(out: Path, seeds: int) -> dict[str, list[Cell]]:
    """The runs of each stage, one for each seed; those of a seed start from each other."""
    found: dict[str, list[Cell]] = {}
    for stage in STAGES:
        found[stage] = []
        for seed in range(seeds):
            starts = {key: out / f"{before}_{seed}" for key, before in AFTER.get(stage, {}).items()}
            changes = {f"{key}.workdir": str(folder) for key, folder in starts.items()}
            if starts:
                changes["data.tokenizer.path"] = str(starts["init_from"] / "tokenizer.json")
            reader = out / f"{stage}_0"
            found[stage].append(Cell(out / f"{stage}_{seed}", f"{CONFIGS}/nlvr.py:{stage}", changes, seed, reader))
    return found


def table(grid: Mapping[str, Sequence[Cell]]) -> str:
    """Markdown: on held and on dev, and in how many sentences of dev all six orders of the boxes are right."""
    lines = ["| learnt from | held | dev | all orders of dev |", "|---|---|---|---|"]
    for stage, told in STAGES.items():
        done = [cell for cell in grid[stage] if cell.done]
        if told is None or not done:
            continue
        asked = PUBLISHED if stage.endswith("statements") else ()
        held, dev = (
            [evaluated(cell.folder, f"{split}.json", f"--split={split}", *asked) for cell in done]
            for split in ("held", "dev")
        )
        shown = ((held, "accuracy"), (dev, "accuracy"), (dev, "consistency"))
        lines.append(f"| {told} | {' | '.join(mean([one[name] for one in scores]) for scores, name in shown)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
