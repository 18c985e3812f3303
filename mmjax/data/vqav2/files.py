"""The published files of VQAv2: questions and annotations, one JSON object each."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmjax.data.json_line import parse

QUESTION = {"question_id": int, "image_id": int, "question": str}
PEOPLE = 10  # who answer a question
ANNOTATION = {"question_id": int, "image_id": int, "multiple_choice_answer": str, "answers": list}


def read(path: Path, key: str, fields: Mapping[str, type]) -> dict[int, dict[str, Any]]:
    """What the file lists under `key`, by `question_id`; each has at least these fields.

    Raises:
        ValueError: it has another layout, or a question twice.
    """
    try:
        found = parse(path.read_text("utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: not JSON ({error}); expected the published file") from error
    rows = found.get(key) if isinstance(found, dict) else None
    if not isinstance(rows, list) or not rows:
        raise ValueError(f"{path}: no list {key!r} in it; expected the published file, an object that has one")
    by_question = {}
    for number, row in enumerate(rows):
        lacking = [name for name, kind in fields.items() if not isinstance(row, dict) or not fits(row.get(name), kind)]
        if lacking:
            kind = {int: "number", str: "text", list: "list"}[fields[lacking[0]]]
            raise ValueError(f"{path}: {key}[{number}] has no {kind} {lacking[0]!r}; expected {', '.join(fields)}")
        if row["question_id"] in by_question:
            raise ValueError(f"{path}: {key}[{number}] is question {row['question_id']} again; expected each once")
        by_question[row["question_id"]] = row
    return by_question


def fits(value: Any, kind: type) -> bool:
    """Whether it is of a kind; numbers are whole and of 64 bits at most."""
    return isinstance(value, kind) and (kind is not int or 0 <= value < 2**63)


def answered(path: Path, questions: Path, asked: Mapping[int, Any]) -> dict[int, dict[str, Any]]:
    """The annotations of a file, each {"answer": str, "answers": [str]}, of just these questions.

    Raises:
        ValueError: it has another layout, or annotates other questions.
    """
    found = read(path, "annotations", ANNOTATION)
    for one, other, name in ((asked, found, questions.name), (found, asked, path.name)):
        lacking = next((number for number in one if number not in other), None)
        if lacking is not None:
            where, kind = (path, "annotation of") if other is found else (questions, "such question as")
            raise ValueError(f"{where}: no {kind} {lacking}, which {name} has; bring both files of one split")
    answers = {}
    for number, row in found.items():
        said = [one.get("answer") if isinstance(one, dict) else None for one in row["answers"]]
        if len(said) != PEOPLE or not all(isinstance(one, str) for one in said):
            raise ValueError(
                f"{path}: the annotation of {number} has {len(said)} answers; expected {PEOPLE}, each with a text "
                "'answer'"
            )
        if row["image_id"] != asked[number]["image_id"]:
            raise ValueError(
                f"{path}: the annotation of {number} is about picture {row['image_id']}, and {questions.name} about "
                f"{asked[number]['image_id']}; bring both files of one split"
            )
        answers[number] = {"answer": row["multiple_choice_answer"], "answers": said}
    return answers
