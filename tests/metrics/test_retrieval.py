"""Retrieval by loops, with ties, groups and rows to which nothing belongs."""

import numpy as np
import pytest

from mmjax.metrics import retrieval as metric
from mmjax.metrics.retrieval import retrieval


def by_loops(queries, items, asked, there):
    ranks, precisions = [], []
    for query, group in zip(queries, asked, strict=True):
        near = [
            (-(query @ item) / np.linalg.norm(query) / np.linalg.norm(item), other == group)
            for item, other in zip(items, there, strict=True)
        ]
        places = [place for place, (_, own) in enumerate(sorted(near), 1) if own]  # of ties, what is not own is first
        if places:
            ranks.append(places[0])
            precisions.append(np.mean([number / place for number, place in enumerate(places, 1)]))
    return np.array(ranks), np.array(precisions)


@pytest.mark.parametrize("few", [1, 6, 16])  # whether all are sorted, some, or none
@pytest.mark.parametrize("groups", [4, 40])
@pytest.mark.parametrize("kinds", [None, 2])  # of coordinates: with two, many similarities are equal
def test_scores_are_those_of_loops(groups, few, kinds, monkeypatch):
    monkeypatch.setattr(metric, "CHUNK", 7)
    monkeypatch.setattr(metric, "FEW", few)
    rng = np.random.default_rng(0)
    queries, items = (rng.normal(size=(n, 5)) if kinds is None else rng.integers(0, kinds, (n, 4)) for n in (20, 31))
    if kinds:  # of one length that is no fraction, so that equal ones are equal in any order of sums
        queries, items = (np.where(x, 1.0, -1.0) for x in (queries, items))
    asked, there = rng.integers(0, groups, 20), rng.integers(0, groups, 31)
    found = retrieval(queries, items, asked, there)
    ranks, precisions = by_loops(queries, items, asked, there)
    for k in (1, 5, 10):
        assert found[f"recall_at_{k}"] == pytest.approx(np.mean(ranks <= k))
    assert found["mean_average_precision"] == pytest.approx(precisions.mean())
    assert found["median_rank"] == np.median(ranks)


def test_equal_vectors_find_nothing_and_zeros_are_no_error():
    groups = np.arange(12)
    for vectors in (np.ones((12, 3)), np.zeros((12, 3))):
        found = retrieval(vectors, vectors, groups, groups)
        assert found["recall_at_10"] == 0 and found["median_rank"] == 12


def test_where_nothing_belongs_together_there_are_no_scores():
    assert retrieval(np.eye(3), np.eye(3), [0, 1, 2], [3, 4, 5]) == {}
