"""Scores of a corpus cut by what was asked and what was answered, as is usual for visual question answering.

VQAv2 reports by the question's first words and by the answer's kind: yes/no, number, other (Goyal et al. 2017,
arXiv 1612.00837).
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any


def breakdown(
    records: Sequence[Mapping[str, Any]],
    score: str,
    table: str,
    row: Callable[[Mapping[str, Any]], str],
    most: int = 24,
) -> dict[str, float]:
    """Mean of records[score] and the number of records in each row: {score/table/row: mean, examples/table/row: n}.

    Rows beyond the `most` most frequent ones come together as "(others)".
    """
    counts = Counter(row(record) for record in records)
    kept = {name for name, _ in counts.most_common(most)}
    values = defaultdict(list)
    for record in records:
        name = row(record)
        values[name if name in kept else "(others)"].append(float(record[score]))
    out = {}
    for name, found in sorted(values.items()):
        out[f"{score}/{table}/{name}"] = sum(found) / len(found)
        out[f"examples/{table}/{name}"] = float(len(found))
    return out


def answer_kind(answer: str) -> str:
    """yes/no, number or other."""
    if answer in ("yes", "no"):
        return "yes/no"
    return "number" if answer.replace(".", "", 1).isdigit() else "other"


def first_words(question: str, words: int = 2) -> str:
    """The question's first words, by which VQA names its type."""
    return " ".join(question.split()[:words])
