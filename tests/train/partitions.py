"""What every partition makes of the same five steps: run as a child that sees eight devices, writes FOLDER/found.npz.

`python -m tests.train.partitions FOLDER`
"""

import dataclasses
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import jax
import numpy as np

from mmjax.core.build import build
from mmjax.optim.adamw import Adamw
from mmjax.train.checkpoint import Checkpoints
from mmjax.train.mesh import Mesh
from mmjax.train.pmap import Pmap
from mmjax.train.state import averaged, create
from mmjax.train.step import predict_step, train_step
from tests import tiny
from tests.train.toy import Toy, optimizer, points

# Heads and hidden widths are split by columns, what reads them by rows, as in Megatron.
TENSOR = (
    ("(query|key|value|gate|up)/kernel$", (None, "tensor")),
    ("(out|down)/kernel$", ("tensor", None)),
    ("embed/embedding$", ("tensor", None)),
    ("^head$", (None, "tensor")),
    (".*", ()),
)
COLUMNS = (("dense_0/kernel", (None, "tensor")), ("dense_1/kernel", ("tensor", None)), (".*", ()))
PARTITIONS = {
    "one device": Mesh(axes={"data": 1}),
    "data": Mesh(axes={"data": 8}),
    "fsdp": Mesh(axes={"fsdp": 8}),
    "data x fsdp": Mesh(axes={"data": 2, "fsdp": 4}),
    "data x tensor": Mesh(axes={"data": 2, "tensor": 4}, rules=TENSOR),
    "pmap": Pmap(),
}
MICROBATCHES = (1, 2, 4)
PREDICTED = ("one device", "data x fsdp", "pmap")
VOCABULARY = SimpleNamespace(size=32, pad=0, eos=1, unk=3)


def pali_batch(number: int, rows: int = 8) -> dict[str, np.ndarray]:
    """Random pictures, questions and answers; some are not there, and the others are of any length."""
    rng = np.random.default_rng((11, number))
    batch = {"image": rng.integers(0, 256, (rows, 16, 16, 3), dtype=np.uint8), "image_mask": rng.random(rows) < 0.8}
    for name, length in (("text", 8), ("target", 2)):
        real = np.arange(length) < rng.integers(0, length + 1, (rows, 2, 1))
        batch[name] = np.where(real, rng.integers(1, 32, (rows, 2, length)), 0).astype(np.int32)
        batch[f"{name}_mask"] = real
    return {**batch, "index": np.arange(rows, dtype=np.int32)}


def flat(name: str, tree) -> dict[str, np.ndarray]:
    leaves = jax.tree.leaves_with_path(jax.device_get(tree))
    return {f"{name}{jax.tree_util.keystr(path)}": np.asarray(leaf) for path, leaf in leaves}


def five_steps(partition, task, optim, start, batches, microbatches=1):
    """The placed state, and the metrics of the last step."""
    state = partition.put_state(start)
    options = {"microbatches": microbatches, "axis": partition.axis}
    step = partition.compile(train_step(task, optim, **options), donate=True)
    for batch in batches:
        before = state
        state, metrics = step(state, partition.put_batch(batch))
    assert all(leaf.is_deleted() for leaf in jax.tree.leaves(before.params)), "the state was not donated"
    return state, partition.fetch(metrics)


def begin(task, optim, batch):
    """A fresh state on the host."""
    return jax.device_get(jax.jit(partial(create, task, optim, 0))(batch))


def on_each_device(params) -> float:
    """Which share of the parameters the first device holds."""
    leaves = jax.tree.leaves(params)
    return sum(leaf.addressable_shards[0].data.size for leaf in leaves) / sum(leaf.size for leaf in leaves)


def main(folder: Path) -> None:
    found = {}
    for name, partition in PARTITIONS.items():
        found |= toys(folder, name, partition)
    config, batches = build(tiny.get_config()), [pali_batch(k) for k in range(5)]
    # The bias of a key changes no attention: its gradient is rounding, which a small eps would blow up to full steps.
    optim = dataclasses.replace(config.optim, rule=Adamw(eps=1e-4, decay=0.05))
    task, start = config.task.bind(VOCABULARY, ("",)), begin(config.task, optim, batches[0])
    for name, partition in PARTITIONS.items():
        state, metrics = five_steps(partition, task, optim, start, batches)
        found |= flat(f"pali/{name}/", (partition.fetch(state), metrics))
        found[f"share/{name}"] = on_each_device(state.params)
        if name in PREDICTED:
            predict = partition.compile(predict_step(task, partition.axis), donate=False)
            outputs, means = predict({"params": averaged(state), "extra": {}}, partition.put_batch(batches[0]))
            found |= flat(f"predicted/{name}/", (partition.gather(outputs), partition.fetch(means)))
    np.savez(folder / "found.npz", **found)


def toys(folder: Path, name: str, partition) -> dict[str, np.ndarray]:
    """States and metrics of the toy in whole batches and in microbatches, and a state read elsewhere."""
    if name == "data x tensor":
        partition = dataclasses.replace(partition, rules=COLUMNS)
    batches, found = [points((12, k), 32) for k in range(5)], {}
    start = begin(Toy(), optimizer(), batches[0])
    for count in MICROBATCHES:
        state, metrics = five_steps(partition, Toy(), optimizer(), start, batches, count)
        found |= flat(f"toy/{count}/{name}/", (partition.fetch(state), metrics))
    return found | (elsewhere(folder / name, partition.fetch(state)) if name == "data x fsdp" else {})


def elsewhere(folder: Path, state) -> dict[str, np.ndarray]:
    """A state that was saved, and as it is read for other devices."""
    checkpoints = Checkpoints(folder)
    checkpoints.save(state, position=5)
    checkpoints.wait()
    found = flat("saved/", state)
    places = {"two devices": Mesh(axes={"fsdp": 2}), "eight devices": Mesh(axes={"data": 8}), "pmap": Pmap(3)}
    for place, partition in places.items():
        read, position = checkpoints.restore(5, state, partition.layout(state))
        assert position == 5
        found |= flat(f"read/{place}/", partition.fetch(partition.put_state(read)))
    checkpoints.close()
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]))
