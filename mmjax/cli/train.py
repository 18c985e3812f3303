"""mmjax train: train what a config describes, or go on with it, in a run folder."""

import argparse
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mmjax.cli import config
from mmjax.cli.robustness_panels import FILE
from mmjax.cli.say import say
from mmjax.train.checkpoint import newest
from mmjax.train.experiment import Experiment


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", required=True, metavar="FILE.py[:VARIANT]", help="the experiment")
    parser.add_argument("--workdir", required=True, type=Path, help="the run folder; it is made if it is not there")


def run(args: argparse.Namespace) -> int:
    """The exit code: 0 when the run is complete, 75 when it was told to stop and has saved."""
    experiment = config.load(args.config, args.overrides)
    writable(args.workdir, "--workdir")
    with alone(args.workdir):
        config.save(experiment, args.workdir)
        return _train(experiment, args)


def _train(experiment: Experiment, args: argparse.Namespace) -> int:
    page = args.workdir / "report.html"
    if page.is_file() and newest(args.workdir) == experiment.steps:
        say(f"{args.workdir} is done: {experiment.steps} steps, scores and examples in {page}")
        return 0
    for stale in (page, args.workdir / FILE):  # of a run that was here before, or of fewer steps
        stale.unlink(missing_ok=True)
    if newest(args.workdir) is None:
        if experiment.init_from is not None:
            experiment.init_from.check()
        say("reading the data")
    from mmjax.cli import report
    from mmjax.train.loop import RESUME, Run, Stopped

    options = [f"--config={args.config}", *(f"--config.{override}" for override in args.overrides)]
    (args.workdir / report.OPTIONS).write_text(json.dumps(options) + "\n")
    with Run(experiment, args.workdir, say) as running:
        try:
            state, scores, records = running.train()
        except Stopped as stopped:
            say(str(stopped))
            return RESUME
        say("writing the report")
        page = report.write(running, running.variables(state), scores, records, options)
    overall = {name: value for name, value in scores.items() if "/" not in name}
    say(", ".join(f"{name} {value:.4f}" for name, value in overall.items()) + f" on {len(records):,}; wrote {page}")
    return 0


@contextmanager
def alone(workdir: Path, option: str = "--workdir") -> Iterator[None]:
    """Holds the folder, given by `option`, for this process; the system lets go of it however the process ends.

    Raises:
        OSError: another process holds it.
    """
    folder = os.open(workdir, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise OSError(
            f"{option}={workdir} is being filled by another process; wait for it, or choose another folder"
        ) from None
    finally:
        os.close(folder)


def writable(folder: Path, option: str) -> None:
    """Makes the folder that `option` gave.

    Raises:
        OSError: it cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".writable.{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OSError(f"{option}={folder} cannot be written: {error.strerror}; choose another folder") from error
