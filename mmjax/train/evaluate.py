"""A whole split, scored: means on the device, records and corpus scores on the host."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jax
import numpy as np

from mmjax.core.mean import Mean
from mmjax.core.partition import Partition
from mmjax.core.task import Task

Record = dict[str, Any]


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


def _collect(task, partition, outputs, batch, records, total) -> dict[str, Mean]:
    predictions, means = outputs
    records += task.read(partition.gather(predictions), batch)
    means = jax.device_get(partition.fetch(means))
    return means if total is None else {name: total[name] + mean for name, mean in means.items()}
