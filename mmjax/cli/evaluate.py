"""mmjax evaluate: the scores of a run's checkpoint on a whole split; the last line of standard output is JSON."""

import argparse
import json
import math
from pathlib import Path

from mmjax.cli import config
from mmjax.cli.say import say


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--workdir", required=True, type=Path, help="the run folder")
    parser.add_argument("--step", default=None, metavar="N|best", help="the checkpoint (default: the newest)")
    parser.add_argument("--split", default=None, help="a split of the data set (default: the config's test split)")


def run(args: argparse.Namespace) -> int:
    experiment = config.load_run(args.workdir, args.overrides)
    from mmjax.train.evaluate import check_finite
    from mmjax.train.loop import Run
    from mmjax.train.state import check_fit, one_row

    with Run(experiment, args.workdir, say, trains=False) as running:
        step, variables = running.checkpoints.load(args.step)
        if args.overrides:
            check_fit(running.task, one_row(experiment.data), variables["params"], args.workdir)
        scores, records = running.evaluate(running.partition.put_state(variables), args.split)
    check_finite(records, f"the run in {args.workdir} had diverged by step {step}; see --step for earlier checkpoints")
    rows = sorted((name, value) for name, value in scores.items() if name.count("/") >= 2)
    for name, value in rows:
        say(f"{name:<60} {value:.4f}" if not name.startswith("examples/") else f"{name:<60} {value:.0f}")
    overall = {name: value for name, value in scores.items() if "/" not in name}
    overall = {name: value if math.isfinite(value) else None for name, value in overall.items()}  # NaN is no JSON
    print(json.dumps({**overall, "examples": len(records), "step": step, "split": args.split or "test"}))
    return 0
