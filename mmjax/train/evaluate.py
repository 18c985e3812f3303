"""A whole split, scored: means on the device, records and corpus scores on the host."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from mmjax.core.mean import Mean
from mmjax.core.partition import Partition
from mmjax.core.task import Task

Record = dict[str, Any]


class Diverged(RuntimeError):
    """Too many steps in a row, or what a run predicts, were not finite."""


def evaluate(
    task: Task,
    predict: Callable[..., Any],
    partition: Partition,
    variables: Mapping[str, Any],
    batches: Iterable[Mapping[str, np.ndarray]],
) -> tuple[dict[str, float], list[Record]]:
    """Scores by name, and the records they were made of.

    Args:
        predict: the partition's compiled `predict_step` of the task.
        variables: {"params", "extra"} as placed by the partition.
        batches: of a split, on the host, each of the same full size.
    """
    total: dict[str, Mean] | None = None
    records: list[Record] = []
    ahead = None
    for batch in batches:
        # The next batch is under way on the device while this host reads the last one.
        pending = predict(variables, partition.put_batch(batch))
        if ahead is not None:
            total = _collect(task, partition, *ahead, records, total)
        ahead = pending, batch
    if ahead is None:
        raise ValueError("the split that is to be evaluated holds no examples")
    total = _collect(task, partition, *ahead, records, total)
    scores = {name: float(mean.value) for name, mean in total.items()}
    return scores | task.finish(records), records


def check_finite(records: Sequence[Record], told: str) -> None:
    """Raises Diverged, with the words `told`, where what is predicted, or how surely, is no finite number."""
    if bad := sum(not finite(record) for record in records):
        raise Diverged(f"{bad:,} of {len(records):,} predictions are no finite numbers: {told}")


def finite(record: Record) -> bool:
    """Whether the numbers that a record says are finite; its truth is not asked."""
    said = [value for name, value in record.items() if name != "truth"]
    said += [vector for value in said if isinstance(value, Mapping) for vector in value.values()]
    kinds = float | list | np.ndarray
    numbers = [value for value in said if isinstance(value, kinds) and np.asarray(value).dtype.kind == "f"]
    return all(np.isfinite(value).all() for value in numbers)


def _collect(task, partition, outputs, batch, records, total) -> dict[str, Mean]:
    predictions, means = outputs
    records += task.read(partition.gather(predictions), batch)
    means = jax.device_get(partition.fetch(means))
    return means if total is None else {name: total[name] + mean for name, mean in means.items()}
