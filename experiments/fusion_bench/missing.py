"""A trained run evaluated with modalities taken away: each of a row's with probability `rate`, but never all.

What is taken is drawn by the run's seed and the same for every op; what is gone at a rate is gone at every higher one.
Only masks change, so that one program serves every pattern.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from mmjax.cli import config
from mmjax.cli.say import say
from mmjax.train.evaluate import evaluate
from mmjax.train.loop import Run

RATES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
FILE = "missing.json"

Batch = Mapping[str, np.ndarray]


def curve(folder: Path, rates: Sequence[float] = RATES) -> dict[float, float]:
    """The test accuracy at each rate, of a run folder, where it is kept; empty for a run of one modality."""
    kept = folder / FILE
    if not kept.is_file():
        experiment = config.load_run(folder)
        names = sorted(experiment.data.modalities)
        with Run(experiment, folder, say, trains=False) as running:
            _, variables = running.checkpoints.load(None)
            placed = running.partition.put_state(variables)
            found = {}
            for rate in rates if len(names) > 1 else ():
                batches = masked(running.feed.split(), names, rate, experiment.seed)
                scores, _ = evaluate(running.task, running.predict, running.partition, placed, batches)
                found[rate] = scores["accuracy"]
        kept.write_text(json.dumps(found) + "\n")
    return {float(rate): value for rate, value in json.loads(kept.read_text()).items()}


def masked(batches: Iterable[Batch], names: Sequence[str], rate: float, seed: int) -> Iterator[dict[str, np.ndarray]]:
    """The batches with some modalities' masks turned to False."""
    for number, batch in enumerate(batches):
        masks = {name: batch[f"{name}_mask"] for name in names}
        there = np.stack([mask.reshape(len(mask), -1).any(1) for mask in masks.values()], axis=1)
        keep = dict(zip(names, kept(there, rate, np.random.default_rng((seed, number))).T, strict=True))
        changed = {f"{name}_mask": (mask.T & keep[name]).T for name, mask in masks.items()}
        yield {**batch, **changed}


def kept(there: np.ndarray, rate: float, rng: np.random.Generator) -> np.ndarray:
    """Which of the modalities [B, M] that are there stay: the luckiest of a row always does."""
    luck = np.where(there, rng.random(there.shape), -1.0)
    return there & ((luck >= rate) | (luck == luck.max(axis=1, keepdims=True)))
