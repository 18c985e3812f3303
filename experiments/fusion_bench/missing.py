"""The curve of a trained run over missing rates, as `mmjax robustness` measures it, kept in the run's folder."""

import json
from collections.abc import Sequence
from pathlib import Path

from mmjax.cli import config
from mmjax.cli.robustness import RATES, Measured, modalities
from mmjax.cli.say import say
from mmjax.train.loop import Run

FILE = "missing.json"


def curve(folder: Path, rates: Sequence[float] = RATES) -> dict[float, float]:
    """The test accuracy at each rate, of a run folder, where it is kept; empty for a run of one modality."""
    kept = folder / FILE
    if not kept.is_file():
        experiment = config.load_run(folder)
        names = modalities(experiment.data)
        with Run(experiment, folder, say, trains=False) as running:
            _, variables = running.checkpoints.load(None)
            under = Measured(running, running.partition.put_state(variables), names)
            found = under.missing(rates) if len(names) > 1 else {}
        kept.write_text(json.dumps({rate: scores["accuracy"] for rate, scores in found.items()}) + "\n")
    return {float(rate): value for rate, value in json.loads(kept.read_text()).items()}
