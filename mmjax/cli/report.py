"""The page that a run leaves behind: what is chosen for it; `train.report` draws it."""

import json
import platform
import shlex
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import jax
import numpy as np

from mmjax.cli import robustness_panels
from mmjax.core import paths
from mmjax.core.build import describe
from mmjax.core.task import Ctx, Panel
from mmjax.train import report
from mmjax.train.loop import Run

OPTIONS = "options.json"  # of the command that trained the run, for whoever writes its page again
_SHOWN, _MISTAKES = 24, 12
_PACKAGES = ("mmjax", "jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "grain", "tensorflow-datasets", "numpy")


def write(
    run: Run, variables: Mapping[str, Any], scores: Mapping[str, float], records: Sequence[Any], options: Sequence[str]
) -> Path:
    """report.html of a run whose test split was scored with these (placed) variables.

    `records` are those of the task; examples of the split are shown evenly spaced, and after them the wrong ones that
    the model was surest of or, of numbers, those that it is farthest from; where records have a `kind`, these stand
    under the kinds of which most are wrong. `options` are those of `mmjax train`. What `mmjax robustness` has found is
    drawn too.
    """
    variables = jax.device_get(run.partition.fetch(variables))
    total = run.feed.examples()
    shown = np.unique(np.linspace(0, total - 1, min(_SHOWN, total)).astype(int)).tolist()
    return report.write(
        run.workdir,
        config=describe(run.experiment),
        scores={**scores, "examples": float(len(records))},
        panels=_panels(run, variables, shown),
        mistakes=_grouped(_panels(run, variables, _worst(records)), records),
        sections={"Robustness": robustness_panels.panels(run.workdir)},
        parameters=paths.flatten(variables["params"]),
        versions=_versions(),
        commands=_commands(run.workdir, options, _asks(run)),
    )


def options(workdir: Path) -> list[str]:
    """Those that a run was trained with, as far as it is known."""
    kept = workdir / OPTIONS
    return json.loads(kept.read_text()) if kept.is_file() else []


def _worst(records: Sequence[Mapping[str, Any]]) -> list[int]:
    """The examples of the worst mistakes; of several kinds in turn, or one might be all there is."""
    sizes = [(record, size) for record in records if (size := _mistake(record)) is not None]
    taken: dict[str, int] = {}
    turns = []
    for record, size in sorted(sizes, key=lambda one: -one[1]):
        kind = record.get("kind", "")
        taken[kind] = taken.get(kind, -1) + 1
        turns.append((taken[kind], -size, record["index"]))
    return list(dict.fromkeys(index for _, _, index in sorted(turns)))[:_MISTAKES]


def _grouped(panels: Sequence[Panel], records: Sequence[Mapping[str, Any]]) -> dict[str, list[Panel]]:
    """Panels by the kind that they tell, with how many of it are right; the kind of which fewest are comes first."""
    rights: dict[str, list[bool]] = {}
    for record in records:
        if "kind" in record and "right" in record:
            rights.setdefault(record["kind"], []).append(record["right"])
    groups: dict[str, list[Panel]] = {}
    kind = ""
    for panel in panels:  # those that tell no kind belong to the one before
        kind = panel.text.get("kind", kind)
        groups.setdefault(kind if kind in rights else "", []).append(panel)
    titles = {kind: f"{kind}: {sum(found):,} of {len(found):,} right" for kind, found in rights.items()}
    share = {kind: sum(found) / len(found) for kind, found in rights.items()}
    return {titles.get(kind, ""): groups[kind] for kind in sorted(groups, key=lambda one: (share.get(one, 1), one))}


def _mistake(record: Mapping[str, Any]) -> float | None:
    """How bad a record is that is wrong: how sure it was of that or, of a number, how far it is from the truth."""
    if "right" in record:
        return None if record["right"] else record["confidence"]
    numbers = [np.ravel(record.get(name, np.nan)) for name in ("prediction", "truth")]
    far = float(np.abs(np.subtract(*numbers)).mean()) if all(one.dtype.kind == "f" for one in numbers) else np.nan
    return far if far > 0 else None


def _panels(run: Run, variables: Mapping[str, Any], indices: Sequence[int]) -> list[Panel]:
    if not indices:
        return []
    ctx = Ctx(jax.random.key(0), train=False)
    return run.task.show(variables["params"], variables["extra"], run.feed.take(indices), ctx)


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    devices = jax.devices()
    return found | {"devices": f"{len(devices)} {devices[0].device_kind}"}


def _asks(run: Run) -> list[str]:
    """The fields that a run is asked with, one of which several make an example as often as it takes them."""
    modalities = getattr(run.experiment.data, "modalities", {})
    return [name for name in run.feed.asks for _ in range(getattr(modalities.get(name), "count", 1))]


def _commands(workdir: Path, options: Sequence[str], asks: Sequence[str]) -> dict[str, str]:
    """What a shell takes as it stands."""
    folder = shlex.quote(str(workdir))
    words = {"image": "--image=FILE", "text": '--text="..."', "question": '--text="..."'}
    row = " ".join(words[name] for name in asks) if set(asks) <= set(words) else "--jsonl=FILE"
    train = {"train": f"mmjax train {shlex.join(options)} --workdir={folder}"} if options else {}
    predict = {"predict": f"mmjax predict --workdir={folder} {row}"} if asks else {}
    return train | {"evaluate": f"mmjax evaluate --workdir={folder}"} | predict
