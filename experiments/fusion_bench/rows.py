"""The table of real data: each row's config with three seeds, mean and standard deviation.

`python -m experiments.fusion_bench.rows` does what is not done yet; --dry-run says what that is.
"""

import argparse
import dataclasses
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import jax

from experiments.fusion_bench.cells import Cell
from experiments.fusion_bench.run import count, dry, fill
from experiments.fusion_bench.sets import CONFIGS
from experiments.fusion_bench.tell import mean, plain
from mmjax.data.sort_of_clevr.shapes import KINDS

# By what a score is called in the table, its key and how it is written.
Told = Mapping[str, tuple[str, Callable[[Sequence[float]], str]]]
ACCURACY: Told = {"": ("accuracy", mean)}
RELATIONS: Told = {kind.replace("_", "-"): (f"accuracy/kind/{kind}", mean) for kind in KINDS}
CAPTIONS: Told = {"CIDEr": ("cider", plain), "ROUGE-L": ("rouge_l", mean), "exact": ("exact_match", mean)}


@dataclasses.dataclass(frozen=True)
class Row:
    """A data set, what is taken of it, FILE.py:VARIANT of configs/, and what is to be reached.

    `told` are the scores that stand in the table. With `folds` K, each seed has a run
    for each of fold_0 to fold_{K-1}, which is tested on and kept out of training, and its score is their mean. `seeds`
    is for what is too dear for more.
    """

    data: str
    taken: str
    spec: str
    reach: str = ""
    told: Told = dataclasses.field(default_factory=lambda: ACCURACY, hash=False)
    folds: int = 0
    seeds: int | None = None

    @property
    def file(self) -> str:
        return self.spec.partition(".")[0]

    def cells(self, out: Path, seeds: int) -> list[list[Cell]]:
        """Of each seed its runs."""
        name = self.spec.replace(".py:", "_")
        return [
            [
                Cell(out / f"{name}{end}_{seed}", str(CONFIGS / self.spec), changed, seed, out / f"{name}{end}_0")
                for end, changed in self._parts()
            ]
            for seed in range(min(seeds, self.seeds or seeds))
        ]

    def _parts(self) -> list[tuple[str, dict[str, str]]]:
        if not self.folds:
            return [("", {})]
        names = [f"fold_{k}" for k in range(self.folds)]
        rest = {name: "+".join(other for other in names if other != name) for name in names}
        return [(f"_{name}", {"data.test": name, "data.train": rest[name]}) for name in names]

    def found(self, cells: Sequence[Sequence[Cell]]) -> dict[str, list[float]]:
        """Each score of the seeds whose runs are all done, by what it is called."""
        done = [[cell.scores() for cell in some] for some in cells if all(cell.done for cell in some)]
        if not done:
            return {}
        return {
            name: [statistics.mean(one[key] for one in some) for some in done] for name, (key, _) in self.told.items()
        }


ROWS = (
    Row("UCI multiple features", "six views, modality attention", "mfeat.py:base", ">= 98 %"),
    Row("UCI multiple features", "early: a transformer over all", "mfeat.py:early", ">= 98 %"),
    Row("UCI multiple features", "hybrid: cross-attention first", "mfeat.py:hybrid", ">= 98 %"),
    Row("UCI multiple features", "late: decisions averaged", "mfeat.py:late", ">= 98 %"),
    Row("BasicMotions", "both sensors", "sensors.py:base", ">= 97.5 %"),
    Row("BasicMotions", "accelerometer", "sensors.py:accelerometer"),
    Row("BasicMotions", "gyroscope", "sensors.py:gyroscope"),
    Row("JapaneseVowels", "voice", "sensors.py:vowels", ">= 97 %"),
    Row("smartwatch, other subjects", "both sensors", "sensors.py:smartwatch", ">= 87.3 %", folds=5),
    Row("smartwatch, other subjects", "accelerometer", "sensors.py:smartwatch_accelerometer", folds=5),
    Row("smartwatch, other subjects", "gyroscope", "sensors.py:smartwatch_gyroscope", folds=5),
    Row("audio-visual digits, noisy", "image and sound", "av_digits.py:base"),
    Row("audio-visual digits, noisy", "image", "av_digits.py:image"),
    Row("audio-visual digits, noisy", "sound", "av_digits.py:sound"),
    Row("emoji, concepts never seen", "image to text", "emoji.py:base", told=CAPTIONS),
    Row("emoji, another hand's drawings", "image to text", "emoji.py:across", told=CAPTIONS),
    Row("emoji, both unseen", "image to text", "emoji.py:both", told=CAPTIONS),
    Row(
        "Sort-of-CLEVR", "places related, then attended to", "sort_of_clevr.py:base", ">= 94 % each", RELATIONS, seeds=1
    ),
    Row("Sort-of-CLEVR", "feed-forward", "sort_of_clevr.py:mlp", "63 % relational", RELATIONS, seeds=1),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("runs/real_data"))
    parser.add_argument("--seeds", type=count, default=3)
    specs = [row.spec for row in ROWS]
    parser.add_argument("--only", nargs="+", choices=specs, default=specs, metavar="FILE.py:VARIANT", help="these rows")
    files = sorted({row.file for row in ROWS})
    parser.add_argument("--without", nargs="+", choices=files, default=[], metavar="FILE", help="no row of emoji, ...")
    parser.add_argument("--dry-run", action="store_true", help="only say which runs there are, and which are done")
    args = parser.parse_args()
    jax.config.update("jax_compilation_cache_dir", str(args.out.absolute() / "compiled"))
    chosen = [row for row in ROWS if row.spec in args.only and row.file not in args.without]
    grid = {row: row.cells(args.out, args.seeds) for row in chosen}
    runs = {row: [cell for some in cells for cell in some] for row, cells in grid.items()}
    if args.dry_run:
        dry(runs)
        return 0
    failed = fill(runs)
    text = table({row: row.found(cells) for row, cells in grid.items()})
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "table.md").write_text(text)
    print(text)
    return int(failed > 0)


def table(found: Mapping[Row, Mapping[str, Sequence[float]]]) -> str:
    """Markdown; rows of which no seed is done are left out."""
    lines = ["| data | what is taken | to reach | test score, mean ± sd | seeds | config |", "|---" * 6 + "|"]
    for row, scores in found.items():
        if scores:
            told = ", ".join(f"{name} **{row.told[name][1](some)}**" for name, some in scores.items())
            seeds = len(next(iter(scores.values())))
            cells = [row.data, row.taken, row.reach, told.strip(), str(seeds), f"`configs/{row.spec}`"]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
