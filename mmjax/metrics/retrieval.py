"""How well rows of one view find what belongs to them among those of another.

recall at k = share of queries with something that belongs to them among the k nearest
average precision = mean over what belongs to a query of (how many of those up to its place) / (its place)
"""

from collections.abc import Iterator, Sequence

import numpy as np

AT = (1, 5, 10)
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
    found = list(_found(unit(queries), unit(items), asked, there))
    if not found:
        return {}
    ranks, precisions = map(np.array, zip(*found, strict=True))
    scores = {f"recall_at_{k}": float(np.mean(ranks <= k)) for k in AT}
    return scores | {
        "mean_average_precision": float(precisions.mean()),
        "median_rank": float(np.median(ranks)),
    }


def _found(queries: np.ndarray, items: np.ndarray, asked: np.ndarray, there: np.ndarray) -> Iterator[tuple[int, float]]:
    """(rank of the first that belongs to it, average precision) of each query that has one."""
    for start in range(0, len(queries), CHUNK):
        part = slice(start, start + CHUNK)
        near, own = queries[part] @ items.T, asked[part, None] == there[None]
        best = np.max(near, axis=-1, where=own, initial=-np.inf, keepdims=True)
        ranks, numbers = 1 + np.sum(~own & (near >= best), axis=-1), own.sum(axis=-1)
        for row in np.flatnonzero(numbers):
            # Of one that belongs to it the rank tells all; sorting takes far longer than counting.
            yield int(ranks[row]), 1 / ranks[row] if numbers[row] == 1 else _precision(near[row], own[row])


def _precision(near: np.ndarray, own: np.ndarray) -> float:
    placed = own[np.lexsort((own, -near))]
    return float((np.cumsum(placed) / np.arange(1, len(placed) + 1))[placed].mean())


def unit(x: np.ndarray) -> np.ndarray:
    """x [..., E] in float64 of length 1, or 0."""
    x = np.asarray(x, np.float64)
    return x / np.maximum(np.linalg.norm(x, axis=-1, keepdims=True), 1e-12)
