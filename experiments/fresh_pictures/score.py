"""Score predictions against rows with known answers: exact match over all and by kind of answer, as JSON.

python score.py ROWS PREDICTIONS   both are JSON lines in the same order; a row that has an `error` instead of
a `prediction` counts as wrong.
"""

import json
import sys
from pathlib import Path

SHAPES = ("circle", "rectangle", "triangle")
ASKED = ("image", "question")


def kind(row: dict[str, str]) -> str:
    """yes, no, shape or colour, by the true answer."""
    answer = row["answer"]
    return answer if answer in ("yes", "no") else "shape" if answer in SHAPES else "colour"


def read(path: Path) -> list[dict[str, str]]:
    """The rows of a file of JSON lines."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def score(rows: list[dict[str, str]], predictions: list[dict[str, str]]) -> dict[str, float | int]:
    """Shares of right answers and numbers of questions; ValueError where the two do not belong together."""
    if not rows or len(rows) != len(predictions):
        raise ValueError(f"{len(predictions)} predictions for {len(rows)} rows: one for each is needed")
    right: dict[str, list[bool]] = {"": []}
    for number, (row, predicted) in enumerate(zip(rows, predictions, strict=True), 1):
        if any(key in predicted and predicted[key] != row[key] for key in ASKED):
            raise ValueError(f"prediction {number} is about {predicted}, but the row is {row}")
        hit = predicted.get("prediction") == row["answer"]
        right[""].append(hit)
        right.setdefault(f"/{kind(row)}", []).append(hit)
    totals = {f"exact_match{name}": sum(hits) / len(hits) for name, hits in sorted(right.items())}
    counts = {f"examples{name}": len(hits) for name, hits in sorted(right.items())}
    return totals | counts | {"errors": sum("prediction" not in predicted for predicted in predictions)}


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit("usage: score.py ROWS PREDICTIONS")
    rows, predictions = ([json.loads(line) for line in Path(p).read_text().splitlines()] for p in sys.argv[1:])
    try:
        print(json.dumps(score(rows, predictions)))
    except ValueError as error:
        sys.exit(f"score.py: {error}")


if __name__ == "__main__":
    main()
