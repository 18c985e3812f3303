"""How well labels that may hold together are known: each by itself, all together, and by how they are ranked.

F1 = 2 TP / (2 TP + FP + FN): micro of counts summed over labels, macro the mean over labels
AP = sum_n (recall_n - recall_{n-1}) precision_n over thresholds from the highest score down; mAP the mean over labels
"""

from collections.abc import Sequence

import numpy as np


def multi_label_scores(
    scores: Sequence[Sequence[float]],
    holds: Sequence[Sequence[float]],
    labels: Sequence[str],
    threshold: float = 0.5,
    most: int = 24,
) -> dict[str, float]:
    """Scores of all labels and of each, named as a report's tables are; of no example nothing.

    - "micro_f1", and "macro_f1" over the labels that hold somewhere or are said, as in `accuracy_tables`.
    - "mean_average_precision" over the labels that hold somewhere.
    - "precision/class/NAME", likewise recall, f1, average_precision and support, of the `most` most frequent labels.

    Args:
        scores: [N, C], said from `threshold` on.
        holds: [N, C], 1 where a label holds, 0 where it does not, below 0 where that is not known and nothing counts.
        labels: the names of the C labels.

    Raises:
        ValueError: the shapes differ.
    """
    if not len(scores) and not len(holds):
        return {}
    s, t = np.asarray(scores, np.float64), np.asarray(holds, np.float64)
    if s.shape != t.shape or s.shape[1:] != (len(labels),):
        raise ValueError(f"scores {s.shape} and truths {t.shape} of {len(labels)} labels; expected [N, C] of each")
    known, said, true = t >= 0, s >= threshold, t > 0
    right, claimed, support = ((known & part).sum(0) for part in (said & true, said, true))
    f1 = _share(2 * right, claimed + support)
    ranked = {c: average_precision(s[known[:, c], c], true[known[:, c], c]) for c in np.flatnonzero(support)}
    occurs = claimed + support > 0
    out = {
        "micro_f1": float(_share(2 * right.sum(), (claimed + support).sum())),
        "macro_f1": float(f1[occurs].mean()) if occurs.any() else 0.0,
        "mean_average_precision": float(np.mean(list(ranked.values()))) if ranked else 0.0,
    }
    columns = {"precision": _share(right, claimed), "recall": _share(right, support), "f1": f1, "support": support}
    for c in sorted(np.argsort(-support, kind="stable")[:most]):
        out |= {f"{name}/class/{labels[c]}": float(values[c]) for name, values in columns.items()}
        out[f"average_precision/class/{labels[c]}"] = ranked.get(c, 0.0)
    return out


def average_precision(scores: np.ndarray, true: np.ndarray) -> float:
    """AP of scores [N] and whether each is true [N], at least one; equal scores are said together."""
    order = np.argsort(-scores, kind="stable")
    scores, true = scores[order], true[order]
    ends = np.flatnonzero(np.diff(scores, append=-np.inf))
    found = np.cumsum(true)[ends]
    return float(np.sum(np.diff(found / true.sum(), prepend=0) * found / (ends + 1)))


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole, and 0 where there is nothing."""
    return np.where(whole > 0, part / np.maximum(whole, 1), 0.0)
