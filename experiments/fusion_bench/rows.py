"""The table of real data: each row's config with three seeds, mean and standard deviation.

`python -m experiments.fusion_bench.rows` does what is not done yet; --dry-run says what that is.
"""

import argparse
import dataclasses
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import jax

from experiments.fusion_bench.cells import Cell
from experiments.fusion_bench.run import accuracies, dry, fill
from experiments.fusion_bench.sets import CONFIGS
from experiments.fusion_bench.tell import mean


@dataclasses.dataclass(frozen=True)
class Row:
    """A data set, what is taken of it, FILE.py:VARIANT of configs/, and what is to be reached."""

    data: str
    taken: str
    spec: str
    reach: str = ""

    def cells(self, out: Path, seeds: int) -> list[Cell]:
        folders = [out / f"{self.spec.replace('.py:', '_')}_{seed}" for seed in range(seeds)]
        return [Cell(one, str(CONFIGS / self.spec), {}, seed, folders[0]) for seed, one in enumerate(folders)]


ROWS = (
    Row("UCI multiple features", "six views, modality attention", "mfeat.py:base", ">= 98 %"),
    Row("UCI multiple features", "early: a transformer over all", "mfeat.py:early", ">= 98 %"),
    Row("UCI multiple features", "hybrid: cross-attention first", "mfeat.py:hybrid", ">= 98 %"),
    Row("UCI multiple features", "late: decisions averaged", "mfeat.py:late", ">= 98 %"),
    Row("BasicMotions", "both sensors", "sensors.py:base", ">= 97.5 %"),
    Row("BasicMotions", "accelerometer", "sensors.py:accelerometer"),
    Row("BasicMotions", "gyroscope", "sensors.py:gyroscope"),
    Row("JapaneseVowels", "voice", "sensors.py:vowels", ">= 97 %"),
    Row("smartwatch, other subjects", "both sensors", "sensors.py:smartwatch", ">= 87.3 %"),
    Row("smartwatch, other subjects", "accelerometer", "sensors.py:smartwatch_accelerometer"),
    Row("smartwatch, other subjects", "gyroscope", "sensors.py:smartwatch_gyroscope"),
    Row("audio-visual digits, noisy", "image and sound", "av_digits.py:base"),
    Row("audio-visual digits, noisy", "image", "av_digits.py:image"),
    Row("audio-visual digits, noisy", "sound", "av_digits.py:sound"),
    Row("easy-VQA, 13 classes", "image and question", "easy_vqa_fusion.py:base", ">= 99 %"),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("runs/real_data"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", default="", help="rows whose FILE.py:VARIANT begins with this")
    parser.add_argument("--dry-run", action="store_true", help="only say which runs there are, and which are done")
    args = parser.parse_args()
    jax.config.update("jax_compilation_cache_dir", str(args.out.absolute() / "compiled"))
    grid = {row: row.cells(args.out, args.seeds) for row in ROWS if row.spec.startswith(args.only)}
    if args.dry_run:
        dry("rows", grid)
        return 0
    failed = fill(grid)
    text = table({row: accuracies(cells) for row, cells in grid.items()})
    (args.out / "table.md").write_text(text)
    print(text)
    return int(failed > 0)


def table(found: Mapping[Row, Sequence[float]]) -> str:
    """Markdown; rows of which no run is done are left out."""
    lines = ["| data | modalities | to reach | accuracy, mean ± sd | runs | config |", "|---" * 6 + "|"]
    for row, values in found.items():
        if values:
            cells = [row.data, row.taken, row.reach, f"**{mean(values)}**", str(len(values)), f"`configs/{row.spec}`"]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
