"""Starting a run from another run's parameters: ordered rules say what is taken, renamed, resized or left fresh."""

import dataclasses
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from mmjax.core import paths
from mmjax.train.checkpoint import Checkpoints

Row = tuple[str, str, str]


@dataclasses.dataclass(frozen=True)
class InitFrom:
    """Parameters of the run in `workdir` (its newest checkpoint, or the one of `step`).

    Args:
        rules: (pattern, source) pairs for the parameters of the new model; the first whose pattern is found in a
            path counts. `source` replaces what was found, as in `re.sub`, and so makes the path to take; None: the
            parameter starts fresh. A parameter that no rule covers takes the same path. "extra/..." are variables
            of the old run that are no parameters, such as a codebook.
        resize: pattern of parameters (position tables [h, w, D]) that may be resized where the shapes differ.
        same_words: both runs turn text into ids alike; False where nothing is taken that knows ids.
        also: another run, of which that is taken which this one leaves fresh.
    """

    workdir: str
    step: int | None = None
    rules: tuple[tuple[str, str | None], ...] = ()
    resize: str = "position/table$"
    same_words: bool = True
    also: "InitFrom | None" = None

    def __post_init__(self):
        for pattern in (*(pattern for pattern, _ in self.rules), self.resize):
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"init_from: {pattern!r} is not a regular expression: {error}") from None
        for pattern, source in self.rules:
            try:
                re.sub(pattern, source or "", "")  # reads the source, though nothing is found
            except (re.error, IndexError) as error:
                raise ValueError(f"init_from: rule {(pattern, source)!r} names no path: {error}") from None

    def check(self) -> None:
        """That there is a checkpoint to start from, by the names of its folders alone.

        Raises:
            ValueError: there is no such folder.
            CheckpointError: it holds no such checkpoint.
        """
        folder = Path(self.workdir)
        if not folder.is_dir():
            raise ValueError(
                f"init_from.workdir {self.workdir!r} is no folder; expected one that a run has filled: train that first"
            )
        saved = Checkpoints(folder)
        try:
            saved.find(self.step)
        finally:
            saved.close()
        if self.also is not None:
            self.also.check()

    def __call__(self, fresh: Mapping[str, Any]) -> tuple[dict[str, Any], list[Row]]:
        """The new parameters (host arrays where taken), and for each (path, what was done, from where).

        Raises:
            ValueError: a source that is not there, or a shape that does not fit and may not be resized.
        """
        self.check()
        saved = Checkpoints(Path(self.workdir))
        found = saved.variables(saved.find(self.step))
        saved.close()
        params = paths.flatten(found["params"])
        old = params | paths.flatten({"extra": found["extra"]})
        new, rows, used, decided = {}, [], set(), set()
        for path, leaf in paths.flatten(fresh).items():
            source, rule = _source(path, self.rules)
            decided.add(rule)
            if source is None:
                new[path], row = leaf, (path, "fresh", "")
            else:
                new[path], row = self._take(path, leaf, source, old)
                used.add(source)
            rows.append(row)
        idle = [rule for rule in self.rules if rule[0] not in decided]
        if idle:
            raise ValueError(f"init_from: rule {idle[0]!r} decides no parameter of the new model; mend its pattern")
        rows += [(path, "skipped", "not in this model") for path in sorted(set(params) - used)]
        if self.also is not None:
            left = [path for path, done, _ in rows if done == "fresh"]
            more, told = self.also(paths.unflatten({path: new[path] for path in left}))
            new |= paths.flatten(more)
            rows = [row for row in rows if row[1] != "fresh"] + told
        return paths.unflatten(new), rows

    def check_words(self, folder: Path, names: Iterable[str]) -> None:
        """That the run in `folder` turns text into ids as the old one does; `names` are the files that say how.

        Raises:
            ValueError: a file of the old run is missing in the new one, or another.
        """
        for name in names if self.same_words else ():
            old, new = Path(self.workdir) / name, folder / name
            if old.exists() and not (new.exists() and new.read_bytes() == old.read_bytes()):
                raise ValueError(
                    f"init_from: {self.workdir} was trained with another tokenizer than {folder} has; set "
                    f"data.tokenizer to the file {old} in a new workdir, or init_from.same_words to False where no "
                    "words are taken"
                )
        if self.also is not None:
            self.also.check_words(folder, names)

    def _take(self, path: str, leaf: Any, source: str, old: Mapping[str, np.ndarray]) -> tuple[Any, Row]:
        if source not in old:
            raise ValueError(
                f"init_from: {self.workdir} has no parameter {source!r} for {path!r}; add a rule that renames it, or "
                f"({path!r}, None) to start it fresh"
            )
        value = old[source]
        if value.shape == leaf.shape:
            return np.asarray(value, leaf.dtype), (path, "taken", source)
        if re.search(self.resize, path) and value.ndim == leaf.ndim and value.shape[-1] == leaf.shape[-1]:
            resized = resize_table(value, leaf.shape[:-1]).astype(leaf.dtype)
            return resized, (path, "resized", f"{source} {value.shape} -> {leaf.shape}")
        raise ValueError(
            f"init_from: {path!r} has shape {leaf.shape}, but {source!r} of {self.workdir} has {value.shape}; change "
            f"the model, or add the rule ({path!r}, None) to start it fresh"
        )


def resize_table(table: np.ndarray, grid: tuple[int, ...]) -> np.ndarray:
    """A table [h, w, D] resized bilinearly (antialiased) to [h', w', D], as is usual for another resolution."""
    resized = jax.image.resize(table, (*grid, table.shape[-1]), method="bilinear")
    return np.asarray(resized, table.dtype)


def _source(path: str, rules: tuple[tuple[str, str | None], ...]) -> tuple[str | None, str | None]:
    """The path to take for a parameter (None: it starts fresh), and the pattern that said so."""
    for pattern, source in rules:
        if re.search(pattern, path):
            return (None if source is None else re.sub(pattern, source, path, count=1)), pattern
    return path, None
