"""How well rows of one view find what belongs to them among those of another.

recall at k = share of queries with something that belongs to them among the k nearest
average precision = mean over what belongs to a query of (how many of those up to its place) / (its place)
"""

from collections.abc import Sequence

import numpy as np

AT = (1, 5, 10)
FEW = 16  # things that belong to a query
CHUNK = 1024  # queries at a time: never more than so many rows of similarities


def retrieval(queries: np.ndarray, items: np.ndarray, asked: Sequence, there: Sequence) -> dict[str, float]:
    """recall_at_1, recall_at_5, recall_at_10, mean_average_precision and median_rank, by cosines.

    What ties with the best that belongs to a query stands before it, so that equal vectors find nothing. Queries to
    which nothing belongs are left out; without any other, there are no scores.

    Args:
        queries: [N, E], of the groups `asked` [N].
        items: [M, E], of the groups `there` [M]; what has a query's group belongs to it.
    """
    asked, there = np.asarray(asked), np.asarray(there)
    queries, items = unit(queries), unit(items)
    parts = [slice(start, start + CHUNK) for start in range(0, len(queries), CHUNK)]
    found = [_found(queries[part], items, asked[part], there) for part in parts]
    ranks, precisions = (np.concatenate(each) for each in zip(*found, strict=True)) if found else ((), ())
    if not len(ranks):
        return {}
    scores = {f"recall_at_{k}": float(np.mean(ranks <= k)) for k in AT}
    return scores | {
        "mean_average_precision": float(precisions.mean()),
        "median_rank": float(np.median(ranks)),
    }


def _found(
    queries: np.ndarray, items: np.ndarray, asked: np.ndarray, there: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(rank of the first that belongs to it, average precision) of each query that has one."""
    near, own = queries @ items.T, asked[:, None] == there[None]
    best = np.max(near, axis=-1, where=own, initial=-np.inf, keepdims=True)
    ranks, numbers = 1 + np.sum(~own & (near >= best), axis=-1), own.sum(axis=-1)
    precisions = 1 / ranks
    # Of one that belongs to it the rank tells all; of few, counting is faster than sorting.
    for some, precision in (((numbers > 1) & (numbers <= FEW), _counted), (numbers > FEW, _sorted)):
        if some.any():
            precisions[some] = precision(near[some], own[some])
    return ranks[numbers > 0], precisions[numbers > 0]


def _counted(near: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Average precisions [N] of N queries by similarities [N, M] and what belongs to them; ties stand before it."""
    most, total = int(own.sum(axis=-1).max()), 0.0
    values = np.where(own, near, -np.inf)
    values = np.sort(np.partition(values, -most, axis=-1)[:, -most:], axis=-1)[:, ::-1]
    others = np.where(own, -np.inf, near)
    for place, value in enumerate(values.T, 1):
        before = np.sum(others >= value[:, None], axis=-1)
        total = total + np.where(np.isfinite(value), place / (place + before), 0)
    return total / own.sum(axis=-1)


def _sorted(near: np.ndarray, own: np.ndarray) -> np.ndarray:
    """As `_counted`."""
    placed = np.take_along_axis(own, np.lexsort((own, -near), axis=-1), axis=-1)
    upto = np.cumsum(placed, axis=-1) / np.arange(1, placed.shape[-1] + 1)
    return np.sum(upto, axis=-1, where=placed) / np.sum(placed, axis=-1)


def unit(x: np.ndarray) -> np.ndarray:
    """x [..., E] in float64 of length 1, or 0."""
    x = np.asarray(x, np.float64)
    return x / np.maximum(np.linalg.norm(x, axis=-1, keepdims=True), 1e-12)
