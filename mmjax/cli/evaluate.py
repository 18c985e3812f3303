"""mmjax evaluate: the scores of a run's checkpoint on a whole split; the last line of standard output is JSON."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmjax.cli import config
from mmjax.cli.say import say

if TYPE_CHECKING:
    from mmjax.train.loop import Run


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--workdir", required=True, type=Path, help="the run folder")
    parser.add_argument("--step", default=None, metavar="N|best", help="the checkpoint (default: the newest)")
    parser.add_argument("--split", default=None, help="a split of the data set (default: the config's test split)")
    template = 'classify by texts: "a picture of {}" with each class in its place; several count by their mean'
    parser.add_argument("--prompt", action="append", help=template)


def run(args: argparse.Namespace) -> int:
    experiment = config.load_run(args.workdir, args.overrides)
    from mmjax.train.evaluate import check_finite
    from mmjax.train.loop import Run
    from mmjax.train.state import check_fit, one_row

    with Run(experiment, args.workdir, say, trains=False) as running:
        step, variables = running.checkpoints.load(args.step)
        if args.overrides:
            check_fit(running.task, one_row(experiment.data), variables["params"], args.workdir)
        placed = running.partition.put_state(variables)
        prompts = by_prompts(running, placed, args.prompt) if args.prompt else None
        scores, records = running.evaluate(placed, args.split)
        if prompts is not None:
            scores |= running.task.classify(records, prompts)
    check_finite(records, f"the run in {args.workdir} had diverged by step {step}; see --step for earlier checkpoints")
    rows = sorted((name, value) for name, value in scores.items() if name.count("/") >= 2)
    for name, value in rows:
        say(f"{name:<60} {value:.4f}" if not name.startswith("examples/") else f"{name:<60} {value:.0f}")
    overall = {name: value for name, value in scores.items() if "/" not in name}
    overall = {name: value if math.isfinite(value) else None for name, value in overall.items()}  # NaN is no JSON
    print(json.dumps({**overall, "examples": len(records), "step": step, "split": args.split or "test"}))
    return 0


def by_prompts(running: Run, variables: Mapping[str, Any], templates: Sequence[str]) -> dict[str, np.ndarray]:
    """What a run makes of the prompts of each class, {class: [P, E]}: templates with its name in place of {}.

    Raises:
        ValueError: the run has no classes, takes no text, or none that long; or a template has no {}.
    """
    task, modalities = running.task, getattr(running.experiment.data, "modalities", {})
    view = next((name for name, modality in modalities.items() if getattr(modality, "words", False)), None)
    if not hasattr(task, "classify") or view != task.model.order[1] or not task.labels:
        raise ValueError(
            f"--prompt={templates[0]}: expected a run of tasks.contrast whose second view is a text, with data.label; "
            f"{running.workdir} is none"
        )
    bad = next((template for template in templates if "{}" not in template), None)
    if bad is not None:
        raise ValueError(f"--prompt={bad}: expected {{}} where the name of a class goes")
    words = running.feed.vocabulary.words
    said = {word: words.encode(word) for template in templates for word in template.replace("{}", " ").split()}
    strange = [word for word, ids in said.items() if words.unk is not None and words.unk in ids]
    if strange:
        say(f"--prompt: no training text had {', '.join(strange)}; what is read in their place was never trained")
    rows = [{view: template.replace("{}", name)} for name in task.labels for template in templates]
    batches, errors = running.feed.encode(rows)
    if errors:
        number, told = next(iter(errors.items()))
        raise ValueError(f"--prompt, {rows[number][view]!r}: {told.removeprefix(f'row {number}: ')}")
    partition = running.partition
    found = [partition.gather(running.predict(variables, partition.put_batch(one))[0])[view] for one in batches]
    found = np.concatenate(found)[: len(rows)].reshape(len(task.labels), len(templates), -1)
    return dict(zip(task.labels, found, strict=True))
