"""What finetuned BEiT-3 says to a user's files, task by task: an answer, or one line on what is wrong with them."""

import argparse
import json
from types import SimpleNamespace

import jax
import numpy as np
import pytest
from PIL import Image

from mmjax.__main__ import main
from mmjax.cli import config
from mmjax.cli.load import Model
from mmjax.cli.nearest import Nearest
from mmjax.data import prepared
from mmjax.metrics.retrieval import unit
from mmjax.train.state import one_row
from tests import nlvr
from tests.command import ROOT

LONG = "is there a red circle in the image " * 20


def untrained(spec: str, folder, *overrides: str) -> Model:
    """A config's model as `mmjax.load` gives it, with the parameters that a training begins with."""
    experiment = config.load(str(ROOT / "configs" / spec), overrides)
    model = object.__new__(Model)
    model.feed, model.step = experiment.data.open(folder), 0
    model.task = experiment.task.bind(model.feed.vocabulary, model.feed.sources)
    params, extra = model.task.init(jax.random.key(0), one_row(experiment.data))
    model.params, model._variables = params, {"params": params, "extra": extra}
    return model


@pytest.fixture(scope="module")
def models(easyvqa, tmp_path_factory) -> dict[str, Model]:
    """Runs of each task, of few rows."""
    root = tmp_path_factory.mktemp("models")
    prepared.prepare("nlvr", str(root / "data"), nlvr.nlvr(root / "brought", train=40))
    nlvr.picks(root / "data")
    few = ("data.train='train[:300]'", "data.test='test[:10]'")
    specs = {
        "nlvr": ("nlvr.py:smoke", f"data.data_dir={root / 'data'}"),
        "pick": ("nlvr.py:smoke_pick", f"data.data_dir={root / 'data'}"),
        "vqa": ("beit3_easy_vqa.py:smoke", *few),
        "captions": ("beit3_caption.py:smoke", *few),
        "retrieval": ("beit3_retrieval.py:smoke", *few),
    }
    return {name: untrained(spec, root / name, *overrides) for name, (spec, *overrides) in specs.items()}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder with two pictures and what is none."""
    folder = tmp_path_factory.mktemp("files")
    for name, colour in (("a", "red"), ("b", "blue")):
        picture = Image.new("RGB", (48, 48), "white")
        picture.paste(colour, (10, 10, 30, 30))
        picture.save(folder / f"{name}.png")
    (folder / "text.png").write_text("no picture")
    return folder


@pytest.fixture
def asked(models, files, monkeypatch, capfd):
    """(task, options) -> the exit code and what is said, on standard output or else on standard error."""

    def ask(task: str, *options: str) -> tuple[int, str]:
        monkeypatch.chdir(files)
        monkeypatch.setattr("mmjax.cli.load.load", lambda *args: models[task])
        code = main(["predict", "--workdir=runs/mine", *options])
        out, err = capfd.readouterr()
        assert (out == "") == (code != 0) and (err == "") == (code == 0)
        return code, out or err

    return ask


A, B, TEXT = "--image=a.png", "--image=b.png", "--text=is there a red circle?"


@pytest.mark.parametrize(
    ("task", "options", "said"),
    [
        ("nlvr", (A, TEXT), {"false", "true"}),
        ("pick", (A, B, TEXT), {"first", "second"}),
        ("vqa", (A, TEXT), None),
        ("captions", (A,), None),
    ],
)
def test_each_task_answers_about_files(asked, models, task, options, said):
    code, told = asked(task, *options)
    row = json.loads(told)
    assert code == 0 and isinstance(row["prediction"], str) and 0 <= row["confidence"] <= 1
    assert row["image"] == (["a.png", "b.png"] if B in options else "a.png")
    if task == "vqa":
        said = set(models["vqa"].task.labels)
    assert said is None or row["prediction"] in said


@pytest.mark.parametrize(
    ("task", "options", "told"),
    [
        ("nlvr", (A, B, TEXT), ["a.png --image=b.png --text=is there", "a list of 2; expected one picture: give one"]),
        ("nlvr", (A,), ["--image=a.png: the run in runs/mine reads image, text, and text is not given", "--text="]),
        ("nlvr", (TEXT,), ["--text=is there a red circle?: the run", "image is not given; give --image=FILE"]),
        ("nlvr", (A, "--text= "), ["text is not given"]),
        (
            "nlvr",
            (A, f"--text={LONG}"),
            ["red circle in the image is there a red circle in ...: text: ", "its length is 32"],
        ),
        ("nlvr", ("--image=text.png", TEXT), ["text.png: not a readable picture"]),
        ("nlvr", ("--image=gone.png", TEXT), ["--image=gone.png: there is no such file"]),
        ("pick", (A, TEXT), ["--image=a.png --text", "1 picture, expected 2: give 2, in the order"]),
        ("pick", (A, B, B, TEXT), ["3 pictures, expected 2"]),
        ("pick", (A, "--image=text.png", TEXT), ["picture 1: text.png: not a readable picture"]),
        ("vqa", (A,), ["text is not given"]),
        ("vqa", (A, f"--text={LONG}"), ["its length is 12: shorten it"]),
        ("vqa", (A, TEXT, "--among=rows.jsonl"), ["--among=rows.jsonl: expected a run of tasks.contrast"]),
        ("captions", (TEXT,), ["--text=is there a red circle?: the run in runs/mine asks the same of every picture"]),
        ("captions", (A, TEXT), ["--image=a.png --text=is", "would not read the text; leave --text out"]),
        ("captions", (A, B), ["it has 2 pictures, but data.pictures is None: set it to 2 or more, or give at most 1"]),
        ("retrieval", (A, TEXT, "--among=rows.jsonl"), ["it gives image and text; give one of them"]),
        ("retrieval", (A, "--among=gone.jsonl"), ["--among=gone.jsonl: there is no such file"]),
        ("retrieval", (A, "--among=pictures.jsonl"), ["--among=pictures.jsonl has no text, which is what image is"]),
        ("retrieval", (A, "--among=broken.jsonl"), ["--among=broken.jsonl: line 2 is not JSON"]),
        ("retrieval", (A, "--among=torn.jsonl"), ["--among=torn.jsonl: row 2: image: text.png: not a readable"]),
        ("retrieval", (A, "--among=rows.jsonl", "--count=0"), ["--count=0: expected how many"]),
        ("retrieval", (A, "--count=2"), ["--count=2: how many of the rows of --among are told; give --among too"]),
    ],
)
def test_what_is_wrong_with_what_was_given_is_one_line(asked, files, task, options, told):
    rows = {
        "rows": ['{"text": "a red circle"}'],
        "pictures": ['{"image": "a.png"}'],
        "broken": ['{"text": "a"}', "{"],
        "torn": ['{"image": "a.png"}', '{"image": "text.png"}'],
    }
    for name, lines in rows.items():
        (files / f"{name}.jsonl").write_text("\n".join(lines))
    code, said = asked(task, *options)
    assert code == 1 and said.startswith("mmjax: ") and said.count("\n") == 1 and len(said) < 400
    for part in told:
        assert part in said


def test_the_nearest_texts_to_a_picture_and_pictures_to_a_text_are_told(asked, models, files):
    texts = ["a red circle", "a blue rectangle", "a green triangle", "a gray circle"]
    among = [{"text": text, "id": number} for number, text in enumerate(texts)]
    among += [{"image": "a.png"}, {"image": "b.png", "text": "a yellow circle"}]
    (files / "among.jsonl").write_text("\n".join(map(json.dumps, among)))
    model = models["retrieval"]
    vectors = {
        view: [answer["prediction"][view] for answer in model.predict(among, files)] for view in ("image", "text")
    }
    for option, row, wanted in ((A, {"image": "a.png"}, "text"), ("--text=a red circle", {"text": texts[0]}, "image")):
        (given,) = model.predict([row], files)
        query = unit(given["prediction"]["image" if wanted == "text" else "text"])
        near = {n: float(unit(v) @ query) for n, v in enumerate(vectors[wanted]) if v is not None}
        best = sorted(near, key=near.__getitem__, reverse=True)[:2]
        code, told = asked("retrieval", option, "--among=among.jsonl", "--count=2")
        found = json.loads(told)
        assert code == 0 and {name: found[name] for name in row} == row
        assert [{k: v for k, v in one.items() if k != "similarity"} for one in found["nearest"]] == [
            among[n] for n in best
        ]
        np.testing.assert_allclose([one["similarity"] for one in found["nearest"]], [near[n] for n in best], atol=1e-4)


def test_rows_of_a_file_have_their_nearest_or_an_error_each(models, files):
    nearest = Nearest(models["retrieval"], [{"text": "a red circle"}, {"text": "a blue circle"}], files, "--among=x")
    found = nearest([{"image": "a.png"}, {"image": "gone.png"}, {"text": "a circle"}], files, count=5)
    assert (
        len(found[0]["nearest"]) == 2 and found[0]["nearest"][0]["similarity"] >= found[0]["nearest"][1]["similarity"]
    )
    assert "gone.png" in found[1]["error"] and "--among=x has no image" in found[2]["error"]


def test_a_run_of_several_tasks_needs_no_text_where_the_one_that_is_asked_for_needs_none():
    from mmjax.cli import predict

    def part(prompt):
        return SimpleNamespace(part=SimpleNamespace(prompt=SimpleNamespace(ask=prompt)))

    def fixed(text):
        return "describe it"

    def open_(text):
        if text is None:
            raise ValueError("no text")
        return text

    feed = SimpleNamespace(packed=True, sources=("caption", "vqa"), parts=(part(fixed), part(open_)))
    model = SimpleNamespace(feed=feed, task=None)
    for task, text, wrong in (("caption", "what?", True), ("vqa", "what?", False), ("caption", None, False)):
        args = argparse.Namespace(workdir="runs/x", image=["0.png"], text=text, task=task)
        if wrong:
            with pytest.raises(ValueError, match="--text=what\\? --task=caption: the run in runs/x asks the same"):
                predict._check_given(args, {}, model)
        else:
            predict._check_given(args, {}, model)
    predict._check_given(argparse.Namespace(workdir="x", image=[], text="free", task=None), {}, model)
