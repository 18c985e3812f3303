"""What lies in checkpoints, read by Orbax directly, and how two runs are compared bit for bit."""

import json
from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp

ITEMS = ("params", "optimizer", "average")


def steps(workdir: Path) -> list[int]:
    """The steps of a run folder's checkpoints."""
    return sorted(int(path.name) for path in (workdir / "checkpoints").iterdir() if path.name.isdigit())


def saved(workdir: Path, step: int) -> dict[str, Any]:
    """Every array of every item of a checkpoint by its path, and its progress: step, data position, key, counters."""
    folder, found = (workdir / "checkpoints" / str(step)).absolute(), {}
    for item in sorted(path.name for path in folder.iterdir() if path.is_dir()):
        if item in ("progress", "metrics"):
            name = "metadata" if item == "progress" else "metrics"
            found[item] = json.loads((folder / item / name).read_text())
            continue
        here = ocp.args.StandardRestore(fallback_sharding=jax.sharding.SingleDeviceSharding(jax.devices()[0]))
        with ocp.Checkpointer(ocp.StandardCheckpointHandler()) as reader:
            leaves = jax.tree.leaves_with_path(reader.restore(folder / item, args=here))
        found |= {item + jax.tree_util.keystr(path): np.asarray(leaf) for path, leaf in leaves}
    return found


def assert_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    """The same items with the same bits."""
    assert one.keys() == other.keys()
    for name, value in one.items():
        if isinstance(value, np.ndarray):
            assert value.dtype == other[name].dtype and value.tobytes() == other[name].tobytes(), name
        else:
            assert value == other[name], name
    assert all(any(name.startswith(item) for name in one) for item in ITEMS)


def assert_same_run(one: Path, other: Path) -> None:
    """Two run folders ended at the same step in the same state, and neither wrote a step twice or left one out."""
    last = steps(one)[-1]
    assert steps(other)[-1] == last
    assert_same(saved(other, last), saved(one, last))
    rows, others = metrics(one), metrics(other)
    assert [row[:2] for row in rows] == [row[:2] for row in others]
    assert rows == others


def metrics(workdir: Path) -> list[tuple[int, str, dict[str, float]]]:
    """The rows of metrics.jsonl without what is measured by a clock; each (step, split) is there once."""
    rows = [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]
    found = [(row.pop("step"), row.pop("split"), row) for row in rows]
    assert len({row[:2] for row in found}) == len(found), "a step was written twice"
    return [(step, split, {k: v for k, v in row.items() if k != "examples_per_second"}) for step, split, row in found]
