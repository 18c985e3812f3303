"""VQAv2 in small, in the published layout."""

import json
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

# Of each picture its questions, and what people answer to each.
ASKED = {
    "train2014": {
        9: [("Is it red?", ["Yes."] * 8 + ["no", "maybe"]), ("How many cats?", ["two"] * 6 + ["3", "3", "a few", "2"])],
        25: [("What is it?", ["a cat"] * 4 + ["Cat!"] * 3 + ["kitten"] * 3)],
    },
    "val2014": {
        42: [("Is it raining?", ["no"] * 10), ("What is that?", ["cat", "dog", "dog", "dog"] + ["don't know"] * 6)],
        73: [("Is it red?", ["yes"] * 10)],
    },
    "test2015": {1: [("What is it?", []), ("Is it?", [])]},
}
# How often each answer is the one that most gave, in the order of the files.
TIMES = {"yes": 2, "2": 1, "cat": 1, "no": 1, "don't know": 1}


def write(root: Path, inner: str = "", test: bool = False) -> Path:
    """The files in a folder, the JSON ones in its `inner`."""
    for published, pictures in ASKED.items():
        if published == "test2015" and not test:
            continue
        (root / published).mkdir(parents=True, exist_ok=True)
        (root / inner).mkdir(exist_ok=True)
        questions, annotations = [], []
        for image, asked in pictures.items():
            Image.new("RGB", (8, 6), shade(image)).save(root / published / f"COCO_{published}_{image:012}.jpg")
            for number, (question, answers) in enumerate(asked):
                ids = {"image_id": image, "question_id": 1000 * image + number}
                questions.append(ids | {"question": question})
                annotations.append(ids | annotation(answers))
        told = {"info": {}, "license": {}}
        path = root / inner / f"v2_OpenEnded_mscoco_{published}_questions.json"
        path.write_text(json.dumps(told | {"questions": questions}))
        if published != "test2015":
            path = root / inner / f"v2_mscoco_{published}_annotations.json"
            path.write_text(json.dumps(told | {"annotations": annotations}))
    return root


def annotation(answers: Sequence[str]) -> dict:
    given = [{"answer": one, "answer_confidence": "yes", "answer_id": n + 1} for n, one in enumerate(answers)]
    most = max(answers, key=answers.count, default="")
    return {"multiple_choice_answer": most, "answers": given, "answer_type": "other", "question_type": "is it"}


def shade(image: int) -> tuple[int, int, int]:
    return 3 * image, 10, 200
