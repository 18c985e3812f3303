"""A trained run as an object: `mmjax.load(workdir)` gives `.predict(rows)` and `.params`."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from mmjax.cli.config import load_run
from mmjax.cli.say import say
from mmjax.train.checkpoint import Checkpoints
from mmjax.train.evaluate import finite
from mmjax.train.mesh import Mesh
from mmjax.train.state import check_fit, one_row
from mmjax.train.step import predict_step

Rows = Sequence[Mapping[str, Any]]

# Pictures are read from disk and answered so many at a time: no more of them are in memory at once.
_TOGETHER = 1024
# What of a task's record is said to a row.
_SHOWN = ("prediction", "confidence", "deviation", "probability")


class Model:
    """A run's task with the parameters of one of its checkpoints, on one device, needing the run folder alone.

    Attributes:
        params: nested dict of host arrays; the moving average where the run keeps one.
        step: the checkpoint's step.
    """

    def __init__(self, workdir: str | os.PathLike, step: int | str | None = None, overrides: Iterable[str] = ()):
        """The newest checkpoint of a run folder, or that of a step, or "best".

        Args:
            workdir: the run folder.
            step: of the checkpoint.
            overrides: "key=value" for keys of the run's config, such as "task.search.use=decode.beam".

        Raises:
            ConfigError: the folder is no run folder, or a key or value is not what is expected.
            CheckpointError: there is no such checkpoint, or it cannot be read.
            ValueError: its parameters do not fit the model that the overrides make, or its tokenizer is another.
        """
        folder, overrides = Path(workdir), tuple(overrides)
        experiment = load_run(folder, overrides)
        checkpoints = Checkpoints(folder, best=experiment.checkpoint.best, say=say)
        self.step, self._variables = checkpoints.load(step)
        checkpoints.close()
        self.params = self._variables["params"]
        self.feed = experiment.data.open(folder)
        self.task = experiment.task.bind(self.feed.vocabulary, self.feed.sources)
        if overrides:
            check_fit(self.task, one_row(experiment.data), self.params, folder)

    def predict(self, rows: Rows, root: str | os.PathLike = ".") -> list[dict[str, Any]]:
        """What the model says to each row: {"prediction", ...}, or {"error"} for a row that cannot be read.

        Args:
            rows: the fields that the run reads (`feed.asks`), such as {"image": path, array or Pillow image, or a list
                of them where several make an example, "text": str}; of own modalities also sound, series and records.
                A run of several tasks puts the text into the prompt of the one that "task" names, or asks it as it is;
                prompts that ask for nothing need no text, and those without a picture no image.
            root: the folder that relative paths start from.

        Raises:
            TypeError: `rows` is no sequence of rows.
        """
        if not isinstance(rows, Sequence) or isinstance(rows, str):
            raise TypeError(f"predict takes a list of rows, given a {type(rows).__name__}; make a list of it")
        return [answer for start in range(0, len(rows), _TOGETHER) for answer in self._some(rows, start, root)]

    @cached_property
    def _predict(self) -> Any:
        partition = Mesh(axes={"data": 1})
        step = partition.compile(predict_step(self.task), donate=False)
        variables = partition.put_state(self._variables)
        return lambda batch: partition.gather(step(variables, partition.put_batch(batch))[0])

    def _some(self, rows: Rows, start: int, root: str | os.PathLike) -> Iterator[dict[str, Any]]:
        some = rows[start : start + _TOGETHER]
        batches, errors = self.feed.encode(some, root)
        # The answer stands at its row; the number that the message begins with is one among these rows only.
        wrong = {n: {"error": message.removeprefix(f"row {n}: ")} for n, message in errors.items()}
        answers: dict[int, dict[int, dict[str, Any]]] = {}
        for batch in batches:
            # Its number among all rows: searches that draw go by it, and no two batches draw the same.
            batch = _trimmed({**batch, "index": np.where(batch["index"] < 0, batch["index"], batch["index"] + start)})
            for record in self.task.read(self._predict(batch), batch):
                shown = {name: record[name] for name in _SHOWN if name in record}
                number, place = record["index"] - start, record["place"]
                number, place = (number + place, 0) if self.feed.packed else (number, place)
                answers.setdefault(number, {})[place] = shown
        asked = getattr(self.task.model, "asked", ())
        for number, row in enumerate(some):
            if number in wrong:
                yield wrong[number]
                continue
            if not all(map(finite, answers.get(number, {}).values())):
                yield {"error": f"what is predicted is no finite number: by step {self.step} the run had diverged"}
                continue
            several = (row[name] for name in asked if isinstance(row.get(name), list | tuple | np.ndarray))
            yield _joined(answers.get(number, {}), next(several, None))


def _joined(answers: Mapping[int, dict[str, Any]], questions: Sequence[Any] | None) -> dict[str, Any]:
    """What is said to a row: a list with a place for each of its questions, where it asked a list."""
    if not answers:
        return {"error": "it asks no question"}
    if questions is None:
        return answers[0]
    names = next(iter(answers.values()))
    return {name: [answers.get(place, {}).get(name) for place in range(len(questions))] for name in names}


def _trimmed(batch: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The batch without the padding that is not needed for a power of two: one question costs no training batch."""
    real = int(np.sum(batch["index"] >= 0))
    return {name: rows[: 1 << max(real - 1, 0).bit_length()] for name, rows in batch.items()}


def load(workdir: str | os.PathLike, step: int | str | None = None, overrides: Iterable[str] = ()) -> Model:
    """The model that a run folder holds; see `Model`."""
    return Model(workdir, step, overrides)
