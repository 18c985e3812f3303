"""mmjax robustness: what a run scores without some of its modalities, and with each of them corrupted.

It writes robustness.json into the run folder and draws its curves in report.html; the last line of output is JSON.
"""

import argparse
import itertools
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmjax.cli import config, report
from mmjax.cli.robustness_panels import FILE
from mmjax.cli.say import say
from mmjax.cli.train import alone
from mmjax.data import withhold
from mmjax.data.corruption import CORRUPTIONS, Corruption
from mmjax.tasks.contrast import Contrast
from mmjax.train.evaluate import Record, check_finite, evaluate
from mmjax.train.loop import Run

RATES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
HELD = 1 << 30  # bytes of a test split that are kept, so that it is read and decoded once
MOST = 6  # modalities of which every subset is evaluated: 63 of them

Scores = dict[str, float]


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--workdir", required=True, type=Path, help="the run folder")
    parser.add_argument(
        "--rates", default=RATES, type=shares, metavar="R,...", help="missing rates (default: 0 to 0.9)"
    )


def shares(text: str) -> tuple[float, ...]:
    """Missing rates, each in [0, 1)."""
    try:
        found = tuple(float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: expected missing rates such as 0,0.5,0.9") from None
    try:
        for rate in found:
            withhold.check_rate(rate)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return found


def run(args: argparse.Namespace) -> int:
    experiment = config.load_run(args.workdir, args.overrides)
    names = modalities(experiment.data)
    if isinstance(experiment.task, Contrast):
        raise ValueError(
            f"{args.workdir} is a run of tasks.contrast, which compares two views: neither can be missing; its "
            "scores are those of mmjax evaluate"
        )
    with alone(args.workdir), Run(experiment, args.workdir, say, trains=False) as running:
        step, variables = running.checkpoints.load(None)
        under = Measured(running, running.partition.put_state(variables), names)
        scores, records = under.evaluate(under.split())
        check_finite(records, f"the run in {args.workdir} had diverged by step {step}")
        clean = overall(scores)
        found = {"step": step, "examples": len(records), "scores": clean, "subsets": under.subsets()}
        found["missing"] = under.missing(args.rates) if len(names) > 1 else {}
        found["corruptions"] = under.corruptions()
        kept = args.workdir / FILE
        fresh = kept.with_suffix(".part")
        fresh.write_text(json.dumps(found, indent=1) + "\n")
        fresh.replace(kept)
        page = report.write(running, under.variables, scores, records, report.options(args.workdir))
    say(f"wrote {kept} and {page}")
    print(json.dumps({**clean, "examples": len(records), "step": step}))
    return 0


def modalities(data: Any) -> tuple[str, ...]:
    """Those of the data; ValueError where it has other inputs, some of which are no modalities that may be missing."""
    names = tuple(sorted(getattr(data, "modalities", ())))
    if not names:
        raise ValueError(
            f"robustness takes modalities away, which data.rows names; this run reads {type(data).__name__}, where an "
            "example is a picture with what is asked about it"
        )
    return names


class Measured:
    """An opened run with placed variables, evaluated on its test split in many states of its modalities.

    One compiled program serves them all.
    """

    def __init__(self, running: Run, variables: Mapping[str, Any], names: Sequence[str]):
        self.running, self.variables, self.names = running, variables, tuple(names)
        self.seed = running.experiment.seed
        self.held: tuple[Mapping[str, np.ndarray], ...] | None = None

    def split(self) -> Iterator[Mapping[str, np.ndarray]]:
        """The test split, which is decoded once where it takes no more than HELD bytes."""
        if self.held is not None:
            yield from self.held
            return
        held, size = [], 0
        for batch in self.running.feed.split():
            size += sum(value.nbytes for value in batch.values())
            if size <= HELD:
                held.append(batch)
            yield batch
        self.held = tuple(held) if size <= HELD else None

    def evaluate(self, batches: Iterable[Mapping[str, np.ndarray]]) -> tuple[Scores, list[Record]]:
        running = self.running
        return evaluate(running.task, running.predict, running.partition, self.variables, batches)

    def scores(self, batches: Iterable[Mapping[str, np.ndarray]]) -> dict[str, float | None]:
        return overall(self.evaluate(batches)[0])

    def subsets(self) -> dict[str, Scores]:
        """Scores by the modalities that are shown, joined by +; of many modalities each alone, and all but each."""
        count = len(self.names)
        sizes = range(1, count + 1) if count <= MOST else (1, count - 1, count)
        if count > MOST:
            say(f"{count} modalities have {2**count - 1:,} subsets, of which each alone and all but each are taken")
        every = [shown for size in sizes for shown in itertools.combinations(self.names, size)]
        say(f"{len(every)} subsets of the modalities")
        split = self.split
        return {"+".join(shown): self.scores(withhold.all_but(split(), self.names, shown)) for shown in every}

    def missing(self, rates: Sequence[float] = RATES) -> dict[str, Scores]:
        """Scores by missing rate."""
        say(f"{len(rates)} missing rates")
        split = self.split
        return {str(rate): self.scores(withhold.at_random(split(), self.names, rate, self.seed)) for rate in rates}

    def corruptions(self) -> dict[str, dict[str, dict[str, Scores]]]:
        """Scores by corruption, modality and strength, of what makes sense for it."""
        found: dict[str, dict[str, dict[str, Scores]]] = {}
        first = next(iter(self.split()))
        for (kind, one), name in itertools.product(CORRUPTIONS.items(), self.names):
            if one.fits(first[name], first[f"{name}_mask"]) and self._sensible(kind, name):
                say(f"{kind} of {name}")
                scores = {str(strength): self._corrupted(one, name, strength) for strength in one.strengths}
                found.setdefault(kind, {})[name] = scores
        return found

    def _corrupted(self, one: Corruption, name: str, strength: float) -> Scores:
        return self.scores(one.over(self.split(), name, strength, self.seed))

    def _sensible(self, kind: str, name: str) -> bool:
        """Records hold numbers of categories, and readings their times: an array does not say so, the data does."""
        fitted = self.running.feed.vocabulary.fitted[name]
        return "columns" not in fitted and (kind == "drop" or not fitted.get("times"))


def overall(scores: Mapping[str, float]) -> dict[str, float | None]:
    """Those of all examples; what is no number is None, as JSON has none."""
    plain = {name: value for name, value in scores.items() if "/" not in name}
    return {name: value if math.isfinite(value) else None for name, value in plain.items()}
