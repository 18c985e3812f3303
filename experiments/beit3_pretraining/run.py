"""Does BEiT-3's pretraining help? Its finetunings from a pretrained run and from nothing, with the same steps in all.

`python -m experiments.beit3_pretraining.run` does what is not done yet; --dry-run says what that is.
"""

import dataclasses
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.fusion_bench.cells import Cell
from experiments.fusion_bench.run import dry, fill, options, parsed
from experiments.fusion_bench.sets import CONFIGS
from experiments.fusion_bench.tell import plain

SHARE = 5  # per cent of the questions, others for each seed


@dataclasses.dataclass(frozen=True)
class Finetuning:
    """What a config of configs/ learns by its variant `scratch` from nothing, and by `tuned`, if any, from pretraining.

    `score` is told times `scale`; where rows are `shared` out, each seed has SHARE per cent of them by itself.
    """

    said: str
    config: str
    tuned: str | None
    scratch: str
    score: str
    scale: float = 100.0
    shared: bool = False

    def changes(self, seed: int) -> dict[str, Any]:
        return {"data.train": f"train[{seed * SHARE}%:{(seed + 1) * SHARE}%]"} if self.shared else {}


FINETUNINGS = {
    "few": Finetuning(
        f"{SHARE} % of easy-VQA's questions, accuracy (%)",
        "beit3_easy_vqa.py",
        "few",
        "few_scratch",
        "accuracy",
        shared=True,
    ),
    "vqa": Finetuning("all of easy-VQA's questions, accuracy (%)", "beit3_easy_vqa.py", "base", "scratch", "accuracy"),
    "retrieval": Finetuning(
        "captions and pictures, recall at 1 (%)", "beit3_retrieval.py", "base", "scratch", "recall_at_1"
    ),
    "caption": Finetuning("captions, CIDEr", "beit3_caption.py", "base", "scratch", "cider", 1.0),
    "fashion": Finetuning("Fashion-MNIST, accuracy (%)", "beit3_fashion.py", None, "base", "accuracy"),
}


def main() -> int:
    parser = options(__doc__, "beit3_pretraining")
    parser.add_argument("--only", nargs="+", default=[*FINETUNINGS], choices=[*FINETUNINGS], metavar="NAME")
    args = parsed(parser)
    before, grid = pretraining(args.out), cells(args.out, args.only, args.seeds)
    if args.dry_run:
        dry(before | grid)
        return 0
    failed = fill(before) or fill(grid)
    text = table(grid)
    (args.out / "table.md").write_text(text)
    print(text)
    return int(failed > 0)


def pretraining(out: Path) -> dict[str, list[Cell]]:
    """The tokenizer, and the pretraining by it."""
    tokenizer, pretrained = out / "tokenizer", out / "pretrained"
    start = {"init_from.workdir": str(tokenizer)}
    return {
        "tokenizer": [Cell(tokenizer, f"{CONFIGS}/beit3_tokenizer.py", {}, 0, tokenizer)],
        "pretrained": [Cell(pretrained, f"{CONFIGS}/beit3_pretrain.py", start, 0, pretrained)],
    }


def cells(out: Path, names: Sequence[str], seeds: int) -> dict[str, list[Cell]]:
    """The runs from the pretrained one, NAME, and from nothing, NAME_scratch, one for each seed.

    Those from nothing take as many steps as tokenizer, pretraining and finetuning together.
    """
    before = pretraining(out)
    pretrained = before["pretrained"][0].folder
    start = {"init_from.workdir": str(pretrained), "data.tokenizer.path": str(pretrained / "tokenizer.json")}
    earlier = sum(cell.asked["steps"] for (cell,) in before.values())
    found: dict[str, list[Cell]] = {}
    for name in names:
        one, changes = FINETUNINGS[name], {}
        if one.tuned is not None:
            found[name] = _row(out, name, one.tuned, start, seeds)
            changes = {"steps": earlier + found[name][0].asked["steps"]}
        found[f"{name}_scratch"] = _row(out, f"{name}_scratch", one.scratch, changes, seeds)
    return found


def _row(out: Path, kind: str, variant: str, changes: Mapping[str, Any], seeds: int) -> list[Cell]:
    one, folders = FINETUNINGS[kind.removesuffix("_scratch")], [out / f"{kind}_{seed}" for seed in range(seeds)]
    spec = f"{CONFIGS / one.config}:{variant}"
    # Where rows differ, so does what they decide.
    return [
        Cell(folder, spec, {**changes, **one.changes(seed)}, seed, folder if one.shared else folders[0])
        for seed, folder in enumerate(folders)
    ]


def table(grid: Mapping[str, Sequence[Cell]]) -> str:
    """Markdown: of each finetuning the score of runs that are done, pretrained and from nothing."""
    lines = ["| what is learnt | pretrained | from nothing | steps in all |", "|---|---|---|---|"]
    for name, one in FINETUNINGS.items():
        rows = [[cell for cell in grid.get(kind, ()) if cell.done] for kind in (name, f"{name}_scratch")]
        if rows[1]:
            scores = [plain([one.scale * cell.scores()[one.score] for cell in row]) if row else "" for row in rows]
            lines.append(f"| {one.said} | {' | '.join(scores)} | {rows[1][0].asked['steps']:,} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
