"""Time of recall and average precision of many queries among many items, beside a loop that sorts for each query.

`python -m experiments.benchmarks.retrieval` prints a table; both run in turn, round after round. The loop is what one
writes first: all cosines of a query in fp32, sorted, and the places of what belongs to it. Ours are in fp64.
"""

import argparse
import time

import numpy as np

from mmjax.metrics.retrieval import retrieval

AT = (1, 5, 10)


def loop(queries: np.ndarray, items: np.ndarray, asked: np.ndarray, there: np.ndarray) -> dict[str, float]:
    """What `metrics.retrieval` says, query by query."""
    queries, items = (x / np.linalg.norm(x, axis=-1, keepdims=True) for x in (queries, items))
    ranks, precisions = [], []
    for query, group in zip(queries, asked, strict=True):
        places = np.flatnonzero(there[np.argsort(-(items @ query))] == group)
        ranks.append(places[0] + 1)
        precisions.append(np.mean(np.arange(1, len(places) + 1) / (places + 1)))
    found = {f"recall_at_{k}": float(np.mean(np.array(ranks) <= k)) for k in AT}
    return found | {"mean_average_precision": float(np.mean(precisions)), "median_rank": float(np.median(ranks))}


def draw(queries: int, items: int, features: int) -> tuple[np.ndarray, ...]:
    """Pictures, and as many or several times as many captions near to them, and what belongs together."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((queries, features), np.float32)
    there = np.arange(items) % queries
    return x, x[there] + 3 * rng.standard_normal((items, features), np.float32), np.arange(queries), there


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--queries", type=int, default=10_000)
    parser.add_argument("--items", type=int, nargs="+", default=[10_000, 50_000])
    parser.add_argument("--features", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    print("| queries x items | seconds | a loop, seconds | mmjax takes | largest difference |\n|---|---|---|---|---|")
    for items in args.items:
        given = draw(args.queries, items, args.features)
        seconds: dict[str, list[float]] = {"ours": [], "loop": []}
        found = {}
        for _ in range(args.rounds):
            for name, run in (("ours", retrieval), ("loop", loop)):
                start = time.perf_counter()
                found[name] = run(*given)
                seconds[name].append(time.perf_counter() - start)
        ratios = np.array(seconds["ours"]) / np.array(seconds["loop"])
        off = max(abs(found["ours"][name] - found["loop"][name]) for name in found["loop"])
        medians = " | ".join(f"{np.median(times):.1f}" for times in seconds.values())
        low, middle, high = np.quantile(ratios, (0.25, 0.5, 0.75))
        print(
            f"| {args.queries:,} x {items:,} | {medians} | {middle:.3f} ({low:.3f}-{high:.3f}) | {off:.0e} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
