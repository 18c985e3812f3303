"""A run that writes captions by hidden words: trained, evaluated, and asked by a real process for one of a picture."""

import json
from pathlib import Path

from mmjax.__main__ import main
from mmjax.data import images, prepared
from tests import command

CONFIG = Path(__file__).parents[2] / "configs/beit3_caption.py"


def test_a_run_is_scored_by_its_corpus_and_writes_a_caption_of_a_picture_alone(easyvqa, tmp_path, capfd):
    steps = ("--config.steps=2", "--config.optim.schedule.warmup=1", "--config.checkpoint.every=2")
    run = f"--workdir={tmp_path / 'run'}"
    assert main(["train", f"--config={CONFIG}:smoke", run, *steps]) == 0
    capfd.readouterr()
    assert main(["evaluate", run, "--config.task.search={'use': 'decode.greedy'}"]) == 0
    scores = json.loads(capfd.readouterr().out.splitlines()[-1])
    assert {"cider", "bleu_4", "rouge_l"} <= scores.keys() and scores["examples"] == 18
    picture = tmp_path / "mine.png"
    picture.write_bytes(images.png(prepared.peek("easyvqa_captions", "test", 1, str(easyvqa))[0]["image"]))
    done = command.mmjax("predict", run, f"--image={picture}")
    assert (done.returncode, done.stderr) == (0, "")
    row = json.loads(done.stdout)
    assert row.keys() == {"image", "prediction", "confidence"} and row["image"] == str(picture)
    assert isinstance(row["prediction"], str) and 0 <= row["confidence"] <= 1
