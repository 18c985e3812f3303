"""mmjax predict and mmjax.load: what a run says to one picture, to rows of a file, and to pictures in a notebook."""

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import jax
import numpy as np
import pytest
from PIL import Image

import mmjax
from mmjax.__main__ import main
from mmjax.cli import predict
from mmjax.cli.load import Model
from mmjax.core.build import ConfigError
from mmjax.train.checkpoint import CheckpointError
from tests import command, tiny
from tests.train import bits


@pytest.fixture(scope="module")
def model(trained):
    return mmjax.load(trained)


def test_a_row_that_asks_several_questions_of_one_example_has_lists_of_answers():
    def read(predictions, batch):
        asked = [(0, 0, "a"), (0, 2, "b"), (1, 0, "c")]
        return [{"index": i, "place": q, "prediction": said, "confidence": 0.5} for i, q, said in asked]

    model = object.__new__(Model)
    batch = {"index": np.array([0, 1, -1, -1])}
    model.feed = SimpleNamespace(packed=False, encode=lambda rows, root: ([batch], {2: "row 2: it is no row"}))
    model.task, model._predict = SimpleNamespace(read=read, model=SimpleNamespace(asked=("text",))), lambda batch: None
    assert model.predict([{"text": ["a?", "", "b?"]}, {"text": ["c?"]}, {}, {"text": [""]}]) == [
        {"prediction": ["a", None, "b"], "confidence": [0.5, None, 0.5]},
        {"prediction": ["c"], "confidence": [0.5]},
        {"error": "it is no row"},
        {"error": "it asks no question"},
    ]
    for several in (("a?", "", "b?"), np.array(["a?", "", "b?"])):
        assert model.predict([{"text": several}, {"text": ["c?"]}, []])[::2] == [
            {"prediction": ["a", None, "b"], "confidence": [0.5, None, 0.5]},
            {"error": "it is no row"},
        ]


def test_one_picture_and_a_question_give_one_row(trained, squares):
    picture = squares.parent / "20.png"
    done = command.mmjax("predict", f"--workdir={trained}", f"--image={picture}", "--text=What color is the square?")
    assert (done.returncode, done.stderr) == (0, "")
    (line,) = done.stdout.splitlines()
    row = json.loads(line)
    assert row.keys() == {"image", "text", "prediction", "confidence"}
    assert (row["image"], row["text"]) == (str(picture), "What color is the square?")
    assert 0 < row["confidence"] <= 1


def test_rows_come_back_in_their_order_with_a_prediction_or_an_error(trained, squares, model, capfd):
    folder = squares.parent / "asked"
    folder.mkdir()
    (folder / "text.png").write_text("no picture")
    shutil.copy(squares.parent / "3.png", folder / "mine.png")
    lines = [
        json.dumps({"image": "../21.png", "text": "is it red?", "id": 7}),
        json.dumps({"image": "text.png", "text": "is it red?"}),
        json.dumps({"image": "../21.png", "question": "is it blue?"}),
        "{not json",
        "",
        json.dumps({"image": "mine.png", "question": "what color is the square?", "prediction": "stale", "error": 1}),
        json.dumps(["../21.png", "is it red?"]),
        json.dumps({"image": "absent.png", "text": "is it red?"}),
        json.dumps({"text": "is it red?"}),
        json.dumps({"image": "../21.png"}),
        json.dumps({"image": str(squares.parent / "22.png"), "text": "is it red? " * 9}),
        json.dumps({"image": str(squares.parent / "22.png"), "text": "is it blue?"}),
    ]
    (folder / "rows.jsonl").write_text("\n".join(lines))
    assert main(["predict", f"--workdir={trained}", f"--jsonl={folder}/rows.jsonl"]) == 1
    out, err = capfd.readouterr()
    rows = [json.loads(line) for line in out.splitlines()]
    assert len(rows) == 11
    good = {0: "../21.png", 2: "../21.png", 4: "mine.png", 10: str(squares.parent / "22.png")}
    for number, row in enumerate(rows):
        assert ("prediction" in row, "error" in row) == (number in good, number not in good)
    assert [rows[number]["image"] for number in good] == list(good.values())
    assert rows[0]["id"] == 7
    asked = [(Image.open(folder / rows[i]["image"]), rows[i].get("text", rows[i].get("question"))) for i in good]
    alone = [model.predict([{"image": image, "text": text}])[0] for image, text in asked]
    for number, answer in zip(good, alone, strict=True):
        assert rows[number]["prediction"] == answer["prediction"]
        assert rows[number]["confidence"] == pytest.approx(answer["confidence"], rel=1e-4)
    errors = {number: row["error"] for number, row in enumerate(rows) if "error" in row}
    expected = {
        1: "text.png: not a readable picture",
        3: "line 4 is not JSON",
        5: "line 7 is a list, expected an object",
        6: "absent.png",
        7: 'no "image"',
        8: '"text" is None',
        9: "data.text_length is 8",
    }
    assert errors.keys() == expected.keys()
    for number, part in expected.items():
        assert part in errors[number] and "\n" not in errors[number]
    assert err == 'mmjax: 7 of 11 rows could not be answered; see their "error"\n'


def test_predictions_for_the_test_split_have_the_score_of_evaluation(trained, squares, model):
    rows = [row for row in map(json.loads, squares.read_text().splitlines()) if row["split"] == "test"]
    answers = model.predict(rows, root=squares.parent)
    right = [answer["prediction"] == row["answer"] for answer, row in zip(answers, rows, strict=True)]
    assert len(rows) == 15
    assert np.mean(right) == pytest.approx(bits.metrics(trained)[-1][2]["exact_match"])


def test_pictures_may_be_paths_arrays_or_pillow_images_of_any_size(squares, model):
    path = squares.parent / "5.png"
    image = Image.open(path)
    large = image.resize((64, 64), Image.Resampling.NEAREST)
    forms = [path, str(path), np.asarray(image), image, large, path.name]
    rows = [{"image": form, "text": "what color is the square?"} for form in forms]
    answers = model.predict(rows, root=squares.parent)
    assert len({answer["prediction"] for answer in answers}) == 1
    np.testing.assert_allclose([a["confidence"] for a in answers], answers[0]["confidence"], rtol=1e-2)
    assert model.predict([]) == []


def test_a_loaded_model_has_the_moving_average_of_the_checkpoint_that_was_asked_for(trained, model):
    for step, loaded in {12: model, 9: mmjax.load(trained, step=9)}.items():
        saved, flat = bits.saved(trained, step), jax.tree.leaves_with_path(loaded.params)
        assert loaded.step == step and len(flat) > 40
        for path, leaf in flat:
            np.testing.assert_array_equal(leaf, saved["average" + jax.tree_util.keystr(path)])
    assert mmjax.load(str(trained), step="best").step == 12


def test_what_cannot_be_loaded_is_an_error_that_names_it(trained, tmp_path):
    with pytest.raises(ConfigError, match=r"is no run folder: it has no config\.json"):
        mmjax.load(tmp_path)
    with pytest.raises(CheckpointError, match="no checkpoint at step 5; it has 9, 12"):
        mmjax.load(trained, step=5)


def test_a_model_is_loaded_where_its_data_set_is_not_prepared(trained, tmp_path, environment):
    code = (
        f"import mmjax; print(mmjax.load({str(trained)!r}).predict([{{'image': {str(tiny.CONFIG)!r}, 'text': 'a'}}]))"
    )
    env = environment(1) | {"TFDS_DATA_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], cwd=command.ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "not a readable picture" in done.stdout


def test_a_file_of_another_editor_is_read_and_rows_that_are_no_text_or_no_json_are_errors(trained, squares, capfd):
    rows = squares.parent / "other.jsonl"
    good = '{"image": "0.png", "text": "what\u2028color is the square?"}'
    bad = ['{"image": "0.png", "text": "what \\ud800?"}', '{"image": "0.png", "text": "what?", "score": NaN}']
    rows.write_bytes(b"\xef\xbb\xbf" + "\r\n".join([good, *bad]).encode())
    assert main(["predict", f"--workdir={trained}", f"--jsonl={rows}"]) == 1
    first, second, third = (json.loads(line) for line in capfd.readouterr().out.splitlines())
    assert first["prediction"] is not None and "error" not in first
    assert "half a character" in second["error"]
    assert third == {"error": "line 3: NaN is no JSON value"}


def test_rows_may_come_from_a_pipe_and_a_key_that_stands_twice_is_an_error(trained, squares, capfd, monkeypatch):
    monkeypatch.chdir(squares.parent)
    read, write = os.pipe()
    os.write(write, b'{"image": "0.png", "text": "what?"}\n{"image": "0.png", "text": "what?", "text": "why?"}\n')
    os.close(write)
    assert main(["predict", f"--workdir={trained}", f"--jsonl=/dev/fd/{read}"]) == 1
    os.close(read)
    first, second = (json.loads(line) for line in capfd.readouterr().out.splitlines())
    assert first["prediction"] is not None and second == {"error": 'line 2: "text" stands twice in it'}


def test_an_option_that_the_run_would_not_read_is_told_and_a_text_may_be_called_a_question():
    args = argparse.Namespace(workdir="runs/x", image=["0.png"], text="what?", task=None)
    row = {"image": "0.png", "text": "what?"}
    assert predict._named(args, row, ("image", "question")) == {"image": "0.png", "question": "what?"}
    with pytest.raises(ValueError, match=r"--image=0\.png: the run in runs/x takes no image, only steps, text; give"):
        predict._named(args, row, ("steps", "text"))
    with pytest.raises(
        ValueError, match=r"--text=what\?: the run in runs/x takes no text, only image; leave --text out"
    ):
        predict._named(args, row, ("image",))


def test_how_answers_are_looked_for_can_be_set_and_rows_draw_anew_however_many_are_read_together(
    trained, squares, monkeypatch, capfd
):
    picture = squares.parent / "20.png"
    words = ["predict", f"--workdir={trained}", f"--image={picture}", "--text=is it red?"]
    assert main([*words, "--config.task.answers=('blue',)"]) == 0
    assert json.loads(capfd.readouterr().out)["prediction"] == "blue"
    wild = ("task.search.use=decode.sample", "task.search.temperature=30.0")
    model = mmjax.load(trained, overrides=wild)
    monkeypatch.setattr("mmjax.cli.load._TOGETHER", 1)
    said = [answer["prediction"] for answer in model.predict([{"image": picture, "text": "is it red?"}] * 8)]
    assert len(set(said)) > 1


def test_a_prompt_that_asks_for_nothing_needs_no_text_and_several_images_are_one_row(trained, squares, capfd):
    picture = squares.parent / "20.png"
    fields = {"image": "image", "caption": "answer", "group": "image_id"}
    asked = ["predict", f"--workdir={trained}", f"--image={picture}", f"--config.data.fields={fields}"]
    asked.append("--config.data.prompt.use=data.prompts.caption")
    assert main(asked) == 0
    row = json.loads(capfd.readouterr().out)
    assert row.keys() == {"image", "prediction", "confidence"}
    assert main([*asked, f"--image={picture}"]) == 1
    assert "it has 2 pictures, but data.pictures is None" in capfd.readouterr().err


def test_a_row_that_nobody_could_answer_loses_no_other(trained, squares, capfd):
    rows = squares.parent / "odd.jsonl"
    Image.new("RGB", (3000, 1)).save(squares.parent / "long.png")
    good = {"image": "20.png", "text": "is it red?"}
    odd = [good | {"text": 5}, good | {"image": 5}, good | {"image": "a\0.png"}, good | {"image": "long.png"}]
    rows.write_text("\n".join(map(json.dumps, [*odd, good])))
    assert main(["predict", f"--workdir={trained}", f"--jsonl={rows}", "--config.data.resize=crop"]) == 1
    answers = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert ["prediction" in answer for answer in answers] == [False, False, False, True, True]
    assert all("error" in answer for answer in answers[:3])


def test_a_batch_is_as_large_as_its_questions_ask_for_and_never_larger_than_the_runs(trained, squares):
    model, sizes = mmjax.load(trained), []
    predict = model._predict
    model.__dict__["_predict"] = lambda batch: sizes.append(len(batch["index"])) or predict(batch)
    pictures = [squares.parent / f"{number}.png" for number in range(20)]
    for count in (1, 2, 3, 5, 8, 11):
        answers = model.predict([{"image": picture, "text": "is it red?"} for picture in pictures[:count]])
        assert len(answers) == count and all("prediction" in answer for answer in answers)
    assert sizes == [1, 2, 4, 8, 8, 8, 4]


def test_a_run_whose_tokenizer_was_changed_says_so_and_answers_nothing(trained, squares, tmp_path, capfd):
    copy = tmp_path / "copy"
    shutil.copytree(trained, copy)
    words = (copy / "tokenizer.json").read_text()
    assert '"red"' in words and '"blue"' in words
    swapped = words.replace('"red"', '"?"').replace('"blue"', '"red"').replace('"?"', '"blue"')
    (copy / "tokenizer.json").write_text(swapped)
    asked = ["predict", f"--workdir={copy}", f"--image={squares.parent / '20.png'}", "--text=is it red?"]
    for words_of in (asked, ["evaluate", f"--workdir={copy}"]):
        assert main(words_of) == 1
        out, err = capfd.readouterr()
        assert out == "" and f"{copy}/tokenizer.json is not the file that checkpoint {copy}/checkpoints/12" in err
    shutil.rmtree(copy / "checkpoints/12")
    assert main(["train", f"--config={tiny.CONFIG}", f"--workdir={copy}"]) == 1
    assert f"{copy}/checkpoints/9 was saved with" in capfd.readouterr().err
    (copy / "tokenizer.json").write_text(words)
    assert main(asked) == 0


def test_one_row_that_is_not_in_a_list_is_told(model):
    with pytest.raises(TypeError, match="takes a list of rows, given a dict"):
        model.predict({"image": "0.png", "text": "what?"})


@pytest.mark.long
def test_a_run_of_several_tasks_is_asked_one_of_them_by_name(squares, easyvqa, tmp_path, capfd):
    pretrain = Path(__file__).parents[2] / "configs/pali_pretrain.py"
    short = ["--config.steps=3", "--config.data.parts.caption.source.test='test[:8]'"]
    assert main(["train", f"--config={pretrain}:smoke", f"--workdir={tmp_path}", *short]) == 0
    asked = ["predict", f"--workdir={tmp_path}"]
    image = str(squares.parent / "20.png")
    capfd.readouterr()
    assert main([*asked, f"--image={image}", "--task=caption"]) == 0
    assert json.loads(capfd.readouterr().out).keys() == {"image", "task", "prediction", "confidence"}
    rows = [{"task": "vqa", "text": "is it red?"}, {"task": "vqa"}, {"task": "poetry"}, {"task": "caption"}]
    (tmp_path / "rows.jsonl").write_text("\n".join(json.dumps({"image": image, **row}) for row in rows))
    assert main([*asked, f"--jsonl={tmp_path}/rows.jsonl"]) == 1
    said = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert ["prediction" in one for one in said] == [True, False, False, True]
    assert "text" in said[1]["error"] and "'poetry'" in said[2]["error"]
