"""Whatever a user gets wrong is one line on standard error that names it, exit code 1, and no standard output."""

import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

from mmjax.__main__ import main
from tests import tiny
from tests.command import mmjax

TRAIN = ("train", "--config={config}", "--workdir={new}")
# What was typed, and what the one line must hold: the thing that is wrong, what was expected.
WRONG = {
    "unknown config key": ((*TRAIN, "--config.optim.rule.b3=1"), ["optim.rule.b3", "'b3'", "b1, b2, decay, eps"]),
    "unknown top key": ((*TRAIN, "--config.stepz=3"), ["--config.stepz", "did you mean 'steps'"]),
    "ill-typed config key": ((*TRAIN, "--config.data.batch=2.5"), ["data.batch is 2.5", "expected int"]),
    "text for a number": ((*TRAIN, "--config.steps=many"), ["steps is 'many' of type str", "expected int"]),
    "number out of range": ((*TRAIN, "--config.log.every=0"), ["log.every is 0", "at least 1"]),
    "key without a value": ((*TRAIN, "--config.steps"), ["--config.steps has no value", "--config.steps=VALUE"]),
    "key below a number": ((*TRAIN, "--config.steps.more=1"), ["--config.steps.more", "nothing below 12"]),
    "unknown class": ((*TRAIN, "--config.optim.rule.use=optim.adamm"), ["'optim.adamm'", "'optim.adamw'"]),
    "refused by its class": ((*TRAIN, "--config.task.model.image.dim=17"), ["task.model.image (Vit)", "dim 17"]),
    "missing config file": (("train", "--config={config}x", "--workdir={new}"), ["{config}x", "no such file"]),
    "missing variant": (("train", "--config={config}:bas", "--workdir={new}"), ["{config}", "'bas'", "'base'"]),
    "no Python": (("train", "--config={rows}", "--workdir={new}"), ["{rows}", "no Python file"]),
    "syntax error": (("train", "--config={folder}/syntax.py", "--workdir={new}"), ["syntax.py:2: "]),
    "config that raises": (("train", "--config={folder}/raises.py", "--workdir={new}"), ["raises.py", "KeyError"]),
    "config that exits": (("train", "--config={folder}/exits.py", "--workdir={new}"), ["exits.py", "SystemExit"]),
    "beyond a list": ((*TRAIN, "--config.partition.rules.7=1"), ["partition.rules.7", "0 to 0"]),
    "answers that cannot be given": ((*TRAIN, "--config.task.length=1"), ["task.length is 1", "data.target_length"]),
    "warm-up beyond the steps": (
        (
            *TRAIN,
            "--config.optim.schedule.use=optim.warmup_cosine",
            "--config.optim.schedule.peak=1e-3",
            "--config.optim.schedule.warmup=10000",
        ),
        ["optim.schedule does not fit steps", "warmup is 10000"],
    ),
    "steps below the warm-up": (
        (
            *TRAIN,
            "--config.steps=3",
            "--config.seed=1",
            "--config.optim.schedule={{'use': 'optim.warmup_cosine', 'peak': 0.1, 'warmup': 5}}",
        ),
        ["mmjax: --config.steps=3 --config.optim.schedule=", "does not fit steps=3", "or one of", "schedule.warmup"],
    ),
    "no get_config": (("train", "--config={folder}/empty.py", "--workdir={new}"), ["empty.py", "get_config"]),
    "no experiment": (("train", "--config={folder}/three.py", "--workdir={new}"), ["three.py", "the config is 3"]),
    "no --config": (("train", "--workdir={new}"), ["--config", "required"]),
    "no --workdir": (("train", "--config={config}"), ["--workdir", "required"]),
    "workdir below a file": (
        ("train", "--config={config}", "--workdir={text}/run"),
        ["--workdir={text}/run", "cannot be written", "Not a directory"],
    ),
    "workdir that is a file": (
        ("train", "--config={config}", "--workdir={text}"),
        ["--workdir={text}", "cannot be written"],
    ),
    "workdir of another config": (
        ("train", "--config={config}", "--workdir={copy}", "--config.seed=3", "--config.optim.clip=2.0"),
        ["{copy} was made by another config", "optim.clip, seed", "--workdir"],
    ),
    "data set not prepared": ((*TRAIN, "--config.data.name=round"), ["'round' is not prepared", "mmjax data build"]),
    "no such split": ((*TRAIN, "--config.data.test=tset"), ["no split 'tset'", "train, test"]),
    "devices that are not there": ((*TRAIN, "--config.partition.axes={{'data': 3}}"), ["partition.axes", "3"]),
    "unknown axis": ((*TRAIN, "--config.partition.rules=(('.*', 'rows'),)"), ["partition.rules", "'rows'", "fsdp"]),
    "uncovered parameter": (
        (*TRAIN, "--config.partition.rules=(('kernel', 'fsdp'),)"),
        ["partition.rules", "no rule covers parameter", "'.*'"],
    ),
    "one answer that is no list": (
        (*TRAIN, "--config.task.answers=('yes')"),
        ["--config.task.answers=('yes') is a text", "('yes',)"],
    ),
    "no run to start from": (
        (*TRAIN, "--config.init_from={folder}/gone", "--config.data.name=round"),
        ["init_from.workdir '{folder}/gone' is no folder", "train that first"],
    ),
    "override that its class refuses": (
        ("evaluate", "--workdir={copy}", "--config.task.search={{'use': 'decode.beam', 'width': 0}}"),
        ["mmjax: --config.task.search={{'use': 'decode.beam', 'width': 0}}: task.search (Beam): width is 0"],
    ),
    "a huge beam": (
        (
            "evaluate",
            "--workdir={copy}",
            "--config.task.search.use=decode.beam",
            "--config.task.search.width=2000000000",
        ),
        ["--config.task.search.width=2000000000: task.search (Beam): width is 2000000000", "1 to 1024"],
    ),
    "another model than the checkpoint's": (
        ("evaluate", "--workdir={copy}", "--config.task.model.vocab=64"),
        ["checkpoint of {copy} has 'embed/embedding' (32, 16)", "asks for (64, 16)", "task.model"],
    ),
    "another model to predict with": (
        ("predict", "--workdir={copy}", "--image={picture}", "--text=a", "--config.task.model.encoder.layers=2"),
        ["checkpoint of {copy} has 'encoder/stack/layers_1/", "nothing", "asks for (", "task.model"],
    ),
    "task of a run that has one": (
        ("predict", "--workdir={copy}", "--image={picture}", "--text=a", "--task=detect"),
        ["--task=detect", "one task alone; leave --task out"],
    ),
    "empty text": (("predict", "--workdir={copy}", "--text="), ["mmjax: --text=: it has no", '"image"']),
    "folder for a picture": (
        ("predict", "--workdir={copy}", "--image={folder}", "--text=a"),
        ["--image={folder}: a folder, expected a picture"],
    ),
    "folder for rows": (("predict", "--workdir={copy}", "--jsonl={folder}"), ["--jsonl={folder}: a folder, expected"]),
    "batch in three": ((*TRAIN, "--config.microbatches=3"), ["data.batch is 8", "3 microbatches"]),
    "text too long": ((*TRAIN, "--config.data.text_length=2"), ["squares train row", "data.text_length is 2"]),
    "no run folder": (("evaluate", "--workdir={folder}/absent"), ["{folder}/absent", "config.json", "mmjax train"]),
    "no checkpoint": (("evaluate", "--workdir={bare}"), ["{bare} holds no checkpoint", "train it first"]),
    "broken config.json": (("evaluate", "--workdir={broken}"), ["{broken}/config.json is damaged"]),
    "config.json of another version": (("evaluate", "--workdir={older}"), ["{older}/config.json", "'gone'"]),
    "absent step": (("evaluate", "--workdir={copy}", "--step=7"), ["no checkpoint at step 7", "9, 12"]),
    "step that is no number": (("evaluate", "--workdir={copy}", "--step=last"), ["step last", "9, 12"]),
    "absent split": (("evaluate", "--workdir={copy}", "--split=vali"), ["no split 'vali'", "train, test"]),
    "no picture": (
        ("predict", "--workdir={copy}", "--image={text}", "--text=is it red?"),
        ["mmjax: --image={text}: not a readable picture"],
    ),
    "no such picture": (
        ("predict", "--workdir={copy}", "--image={folder}/no.png", "--text=is it red?"),
        ["--image={folder}/no.png", "no such file"],
    ),
    "no --text": (("predict", "--workdir={copy}", "--image={picture}"), ["--image={picture}", '"text"']),
    "no --image": (("predict", "--workdir={copy}", "--text=is it red?"), ["--text=is it red?", '"image"']),
    "neither": (("predict", "--workdir={copy}"), ["--image=FILE", "--jsonl=FILE"]),
    "text too long to ask": (
        ("predict", "--workdir={copy}", "--image={picture}", "--text=is it red is it red is it red?"),
        ["--image={picture}", "data.text_length is 8"],
    ),
    "both": (
        ("predict", "--workdir={copy}", "--image={picture}", "--text=a", "--jsonl={rows}"),
        ["--image=FILE", "one of the two"],
    ),
    "absent jsonl": (("predict", "--workdir={copy}", "--jsonl={folder}/no.jsonl"), ["no.jsonl", "no such file"]),
    "jsonl that is no text": (("predict", "--workdir={copy}", "--jsonl={picture}"), ["--jsonl={picture}", "UTF-8"]),
    "empty jsonl": (("predict", "--workdir={copy}", "--jsonl={folder}/empty.py"), ["empty.py", "no rows"]),
    "unknown verb": (("trian",), ["'trian'", "train, evaluate, predict, data", "did you mean 'train'"]),
    "unknown option": ((*TRAIN, "--sede=3"), ["train takes no '--sede'", "--config, --workdir"]),
    "misspelt option": (("evaluate", "--workdir={copy}", "--stepp=9"), ["'--stepp'", "did you mean '--step'"]),
    "word too many": ((*TRAIN, "again"), ["train takes no 'again'"]),
    "config key that changes nothing": (
        ("data", "list", "--config.seed=1"),
        ["data takes no '--config.seed'"],
    ),
    "misspelt config key of predict": (
        ("predict", "--workdir={copy}", "--image={picture}", "--text=a", "--config.task.serch.width=2"),
        ["no key 'serch'", "did you mean 'search'"],
    ),
    "data without a verb": (("data",), ["build|list|show", "required"]),
    "data build nothing": (("data", "build"), ["--source=FILE.jsonl --name=NAME"]),
    "data build unknown": (("data", "build", "easyvqq"), ["'easyvqq'", "did you mean 'easyvqa'"]),
    "data build absent": (("data", "build", "--source={folder}/no.jsonl", "--name=x"), ["no.jsonl", "no such file"]),
    "data build without a name": (("data", "build", "--source={rows}"), ["--source={rows}", "--name=NAME"]),
    "data show unknown": (("data", "show", "round"), ["'round' is not prepared"]),
    "data show no number": (("data", "show", "squares", "--count=x"), ["--count", "'x'"]),
}
# One of each kind as a user meets it: a new process, in which libraries could add lines of their own, before jax has
# begun, after it, in each verb.
AS_PROCESSES = [
    "unknown config key",
    "workdir of another config",
    "uncovered parameter",
    "absent step",
    "no picture",
    "unknown verb",
]


@pytest.fixture(scope="module")
def places(trained, squares, tmp_path_factory):
    """What the words in braces stand for."""
    folder = tmp_path_factory.mktemp("wrong")
    for name in ("bare", "broken", "older"):
        (folder / name).mkdir()
    shutil.copy(trained / "config.json", folder / "bare")
    (folder / "broken/config.json").write_text('{"steps": ')
    text = (trained / "config.json").read_text()
    (folder / "older/config.json").write_text(text.replace('"log": {', '"log": {"gone": 1, '))
    (folder / "syntax.py").write_text("def get_config():\n    return (\n")
    (folder / "raises.py").write_text("def get_config():\n    return {}['steps']\n")
    (folder / "three.py").write_text("def get_config():\n    return 3\n")
    (folder / "empty.py").write_text("")
    (folder / "exits.py").write_text("import sys\n\nsys.exit(0)\n")
    (folder / "text.png").write_text("no picture\n")
    shutil.copytree(trained, folder / "copy")
    found = {name: folder / name for name in ("new", "bare", "broken", "older", "copy")}
    picture = squares.parent / "0.png"
    return {**found, "folder": folder, "config": tiny.CONFIG, "rows": squares, "text": folder / "text.png"} | {
        "picture": picture
    }


def check(name, places, code, out, err):
    lines = [line for line in err.splitlines() if line != "reading the data"]
    assert len(lines) == 1 and lines[0].startswith("mmjax: "), err
    assert (code, out) == (1, "")
    for part in WRONG[name][1]:
        assert part.format(**places) in lines[0]


@pytest.mark.parametrize("name", WRONG)
def test_a_mistake_is_one_line_that_names_it(name, places, capfd):
    words = [word.format(**places) for word in WRONG[name][0]]
    before = sorted(places["copy"].rglob("*"))
    check(name, places, main(words), *capfd.readouterr())
    assert sorted(places["copy"].rglob("*")) == before  # nothing is lost and nothing left behind


def test_mistakes_are_one_line_in_processes_of_their_own(places):
    def run(name):
        # They run side by side, and a folder is trained by one at a time.
        own = places | {"new": places["new"] / name.replace(" ", "_")}
        return mmjax(*(word.format(**own) for word in WRONG[name][0]))

    with ThreadPoolExecutor(2) as pool:
        done = dict(zip(AS_PROCESSES, pool.map(run, AS_PROCESSES), strict=True))
    for name, result in done.items():
        check(name, places, result.returncode, result.stdout, result.stderr)


def test_debug_shows_where_an_error_came_from(places):
    done = mmjax("--debug", "evaluate", f"--workdir={places['folder']}/absent")
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith("Traceback (most recent call last):")
    assert "is no run folder" in done.stderr.splitlines()[-1]
    with pytest.raises(ValueError, match="no verb 'trian'"):
        main(["trian", "--debug"])


def test_without_a_verb_the_help_is_shown_and_the_code_is_not_0(capfd):
    assert main([]) == 2
    out, err = capfd.readouterr()
    assert out == "" and all(verb in err for verb in ("train", "evaluate", "predict", "data"))


def test_help_and_version_are_results(capfd):
    for words, part in ((["--version"], "mmjax 0."), (["train", "--help"], "--config FILE.py[:VARIANT]")):
        with pytest.raises(SystemExit) as left:
            main(words)
        out, err = capfd.readouterr()
        assert (left.value.code, err) == (0, "") and part in out
