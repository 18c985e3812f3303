"""How well each class is known, and what it is taken for.

precision = right / said to be it,   recall = right / of it,   F1 = 2 precision recall / (precision + recall)
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple


class Scores(NamedTuple):
    """Of one class; `support` is how many examples of it there are. 0 / 0 is 0."""

    precision: float
    recall: float
    f1: float
    support: int


def accuracy_tables(
    predictions: Sequence[str], truths: Sequence[str], labels: Sequence[str] = (), most: int = 24
) -> dict[str, float]:
    """Scores of each class, their means, and the confusions, named as a report's tables are.

    - "accuracy", and "macro_f1" and "weighted_f1": means of F1 over the classes that occur, as they stand and by
      support.
    - "precision/class/NAME", likewise recall, f1 and support.
    - "NAME/truth, by prediction/TRUTH": the share of the examples of TRUTH that were taken for NAME; 0 is left out, but
      for what is right.

    Args:
        predictions: classes said.
        truths: classes true.
        labels: the order of rows, which is otherwise that of the alphabet.
        most: classes beyond the most frequent true ones come together as "(others)" in the tables, where confusions
            among them are seen as right.

    Raises:
        ValueError: predictions and truths differ in number.
    """
    found = per_class(predictions, truths)
    if not found:
        return {}
    places = {label: place for place, label in enumerate(labels)}
    names = sorted(found, key=lambda label: (places.get(label, len(places)), label))
    right = sum(a == b for a, b in zip(predictions, truths, strict=True))
    out = {
        "accuracy": right / len(truths),
        "macro_f1": sum(s.f1 for s in found.values()) / len(found),
        "weighted_f1": weighted_f1(found),
    }
    kept = {label for label, _ in Counter({n: found[n].support for n in names}).most_common(most)}
    rows = [name for name in names if name in kept]
    for name in rows:
        out |= {f"{score}/class/{name}": float(value) for score, value in found[name]._asdict().items()}
    return out | _confusions(
        [p if p in kept else "(others)" for p in predictions],
        [t if t in kept else "(others)" for t in truths],
        [*rows, "(others)"],
    )


def per_class(predictions: Sequence[str], truths: Sequence[str]) -> dict[str, Scores]:
    """The scores of each class that was said or is true; ValueError where there are not as many of both."""
    if len(predictions) != len(truths):
        raise ValueError(f"{len(predictions)} predictions for {len(truths)} truths; expected one for each")
    said, true = Counter(predictions), Counter(truths)
    right = Counter(a for a, b in zip(predictions, truths, strict=True) if a == b)
    return {
        name: Scores(
            _share(right[name], said[name]),
            _share(right[name], true[name]),
            _share(2 * right[name], said[name] + true[name]),
            true[name],
        )
        for name in said | true
    }


def weighted_f1(scores: dict[str, Scores]) -> float:
    """The mean of F1 over classes by their support, and 0 without examples."""
    return _share(sum(s.f1 * s.support for s in scores.values()), sum(s.support for s in scores.values()))


def _confusions(predictions: Sequence[str], truths: Sequence[str], names: Sequence[str]) -> dict[str, float]:
    pairs, true = Counter(zip(predictions, truths, strict=True)), Counter(truths)
    # What is right first, 0 too: rows and columns of a table come in the order in which they are first named.
    right = [(name, name) for name in names if true[name]]
    wrong = [(said, name) for said in names for name in names if said != name and pairs[said, name]]
    # A name comes before the first slash, so that it can hold none.
    return {
        f"{said.replace('/', '∕')}/truth, by prediction/{name}": pairs[said, name] / true[name]
        for said, name in right + wrong
    }


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
