"""A cell is one run: a plain `mmjax train` in a folder of its own, done once; it ends with scores on the test split.

The commands run in this process, one after the other: what a process imports, reads and compiles at its start would
take longer than a small run does. Typed by hand they do the same.
"""

import contextlib
import dataclasses
import functools
import io
import json
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax

from mmjax.__main__ import main as mmjax
from mmjax.cli import config
from mmjax.core.build import ConfigError, describe
from mmjax.data.row_feed import RowFeed

SCORES = "scores.json"
LOG = "metrics.jsonl"


class Failed(RuntimeError):
    """The command gave back an exit code; it has said why."""

    def __init__(self, code: int, words: list[str]):
        super().__init__(f"exit code {code} of {shlex.join(['mmjax', *words])}")
        self.code = code


@dataclasses.dataclass(frozen=True)
class Cell:
    """The run of a config, FILE.py:VARIANT, with overrides and a seed, in `folder`.

    `reader` is the folder of a run of the same data: what its training rows decided need not be found again.
    """

    folder: Path
    spec: str
    overrides: Mapping[str, Any]
    seed: int
    reader: Path

    @property
    def done(self) -> bool:
        """Whether it has scores, and of the config that is asked for now: `mmjax train` tells what else differs."""
        return (self.folder / SCORES).is_file() and not self.changed

    @property
    def changed(self) -> list[str]:
        """The keys of the config, but for those that decide nothing, that are not as the folder was run with."""
        try:
            ran = describe(config.load_run(self.folder))
        except ConfigError:
            return [config.FILE]
        free = tuple(f"{key}." for key in config.FREE)
        return [key for key in config.differences(ran, self.asked) if not f"{key}.".startswith(free)]

    @functools.cached_property
    def asked(self) -> dict[str, Any]:
        """The config, with every default."""
        return describe(config.load(self.spec, self.changes))

    @property
    def changes(self) -> list[str]:
        return [*(f"{key}={value!r}" for key, value in self.overrides.items()), f"seed={self.seed}"]

    @property
    def train(self) -> list[str]:
        """The words of the command."""
        words = [f"--config.{change}" for change in self.changes]
        return ["train", f"--config={self.spec}", f"--workdir={self.folder}", *words]

    @property
    def command(self) -> str:
        """The command for a shell."""
        return shlex.join(["mmjax", *self.train])

    def scores(self) -> dict[str, float]:
        """What the run's log says after its last step, rows of tables too. It is trained, or goes on where it was cut.

        Raises:
            Failed: the command failed, or was told to stop.
        """
        if not self.done:
            self._take()
            _run(self.train)
            said = (self.folder / LOG).read_text().splitlines()[-1]
            fresh = self.folder / f"{SCORES}.part"
            fresh.write_text(said + "\n")
            fresh.replace(self.folder / SCORES)
            jax.clear_caches()  # the programs of a run are of no use to the next one
        return json.loads((self.folder / SCORES).read_text())

    def _take(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in RowFeed.files:
            if self.reader != self.folder and (self.reader / SCORES).is_file() and (self.reader / name).is_file():
                shutil.copyfile(self.reader / name, self.folder / name)


def evaluated(folder: Path, name: str, *words: str) -> dict[str, float]:
    """What `mmjax evaluate` says of a run with these words, once: it is kept in the run's folder under a name.

    Raises:
        Failed: the command failed.
    """
    kept = folder / name
    if not kept.is_file():
        kept.write_text(_run(["evaluate", f"--workdir={folder}", *words]).splitlines()[-1] + "\n")
    return json.loads(kept.read_text())


def _run(words: list[str]) -> str:
    """What the command prints."""
    with contextlib.redirect_stdout(io.StringIO()) as said:
        code = mmjax(words)
    if code:
        raise Failed(code, words)
    return said.getvalue()
