"""Does pretraining help? Finetuning on a share of easy-VQA's questions against training on them from scratch.

Both see the same questions and take the same total of steps: what pretraining took is given to the run from scratch.
Every run is a plain `mmjax train` in a folder under --out; those that are done are not repeated.
"""

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
CONFIGS = HERE.parents[1] / "configs"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs/pali_pretraining"))
    parser.add_argument("--pretrained", type=Path, nargs="+", required=True, help="the run folders of all stages")
    parser.add_argument("--share", type=int, default=5, help="per cent of the training questions")
    parser.add_argument("--seeds", type=int, default=3, help="each with another share of the questions")
    args = parser.parse_args()
    before, last = sum(steps(folder) for folder in args.pretrained), args.pretrained[-1]
    taken = [f"--config.init_from={last}", f"--config.data.tokenizer.path={last / 'tokenizer.json'}"]
    rows = []
    for seed in range(args.seeds):
        start = seed * args.share
        questions = [f"--config.data.train=train[{start}%:{start + args.share}%]", f"--config.seed={seed}"]
        tuned = train(args.out / f"finetuned_{seed}", [*questions, *taken])
        total = before + steps(args.out / f"finetuned_{seed}")
        scratch = train(args.out / f"scratch_{seed}", [*questions, f"--config.steps={total}"], variant="scratch")
        rows.append((seed, f"{start}-{start + args.share} %", tuned, scratch, total))
    print(table(rows))


def train(workdir: Path, overrides: list[str], variant: str = "base") -> float:
    """The exact match on all test questions after `mmjax train`, which goes on where it was cut off."""
    scores = workdir / "scores.json"
    if not scores.exists():
        config = f"--config={CONFIGS / 'pali_finetune.py'}:{variant}"
        mmjax = [sys.executable, "-m", "mmjax"]
        subprocess.run([*mmjax, "train", config, f"--workdir={workdir}", *overrides], check=True)
        done = subprocess.run([*mmjax, "evaluate", f"--workdir={workdir}"], check=True, capture_output=True, text=True)
        scores.write_text(done.stdout.splitlines()[-1] + "\n")
    return json.loads(scores.read_text())["exact_match"]


def steps(workdir: Path) -> int:
    """How many steps a run takes, by its config."""
    return json.loads((workdir / "config.json").read_text())["steps"]


def table(rows: list[tuple[int, str, float, float, int]]) -> str:
    """The results as Markdown, with means and standard deviations."""
    lines = ["| seed | training questions | steps in all | pretrained | from scratch |", "|---|---|---|---|---|"]
    lines += [
        f"| {seed} | {share} | {total:,} | {tuned:.2%} | {scratch:.2%} |" for seed, share, tuned, scratch, total in rows
    ]
    spread = [statistics.stdev(values) if len(values) > 1 else 0.0 for values in list(zip(*rows, strict=True))[2:4]]
    means = [statistics.mean(values) for values in list(zip(*rows, strict=True))[2:4]]
    cells = " | ".join(f"**{mean:.2%}** ± {sd:.2%}" for mean, sd in zip(means, spread, strict=True))
    return "\n".join([*lines, f"| mean ± sd | | | {cells} |"])


if __name__ == "__main__":
    main()
