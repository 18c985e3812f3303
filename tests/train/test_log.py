"""The metrics of a run: what is written is read back, and a restart neither loses nor repeats a row."""

import json
import math
import signal
import subprocess
import sys
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
from tensorboardX.proto.event_pb2 import Event, SessionLog

from mmjax.train.log import Log, read


def events(workdir: Path) -> list[Event]:
    """Every event of a run, file by file; the framing is length (8 bytes), checksum (4), message, check."""
    found = []
    for path in sorted((workdir / "events").iterdir()):
        rest = path.read_bytes()
        while rest:
            size = int.from_bytes(rest[:8], "little")
            found.append(Event.FromString(rest[12 : 12 + size]))
            rest = rest[16 + size :]
    return found


def scalars(workdir: Path) -> list[tuple[int, str, float]]:
    return [(event.step, value.tag, value.simple_value) for event in events(workdir) for value in event.summary.value]


def test_rows_are_read_back_in_the_order_they_were_written(tmp_path):
    with Log(tmp_path) as log:
        log.write(10, "train", {"loss": 1.5, "examples": 160})
        log.write(10, "test", {"exact_match/colour/what is": 0.25})
    assert read(tmp_path) == [
        {"step": 10, "split": "train", "loss": 1.5, "examples": 160},
        {"step": 10, "split": "test", "exact_match/colour/what is": 0.25},
    ]


def test_a_row_is_in_the_file_as_soon_as_write_returns(tmp_path):
    log = Log(tmp_path)
    log.write(1, "train", {"loss": 2.0})
    assert json.loads((tmp_path / "metrics.jsonl").read_text()) == {"step": 1, "split": "train", "loss": 2.0}
    assert scalars(tmp_path) == [(1, "train/loss", 2.0)]
    log.close()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.float32(0.1), "0.1"),
        (jnp.float32(0.1), "0.1"),
        (jnp.bfloat16(0.5), "0.5"),
        (0.1 + 0.2, "0.30000000000000004"),
        (np.int64(2**40), str(2**40)),
        (jnp.int32(7), "7"),
        (math.inf, "null"),
        (np.float32("nan"), "null"),
    ],
)
def test_numbers_of_any_library_are_written_as_the_shortest_plain_json(tmp_path, value, text):
    with Log(tmp_path) as log:
        log.write(1, "train", {"x": value})
    assert (tmp_path / "metrics.jsonl").read_text() == f'{{"step": 1, "split": "train", "x": {text}}}\n'


def test_a_loss_that_is_not_finite_is_read_as_nan(tmp_path):
    with Log(tmp_path) as log:
        log.write(1, "train", {"loss": math.inf})
    assert math.isnan(read(tmp_path)[0]["loss"])


@pytest.mark.parametrize("value", [np.zeros(2), "0.5", None, {"a": 1}], ids=["vector", "text", "nothing", "dict"])
def test_what_is_not_one_number_is_refused_by_name_and_leaves_no_row(tmp_path, value):
    with Log(tmp_path) as log, pytest.raises(ValueError, match=r"'loss'.*expected one number"):
        log.write(1, "train", {"fine": 1.0, "loss": value})
    assert read(tmp_path) == []


def test_a_metric_cannot_take_the_name_of_the_step(tmp_path):
    with Log(tmp_path) as log, pytest.raises(ValueError, match="'step'"):
        log.write(1, "train", {"step": 3})


def test_opening_at_a_step_drops_the_rows_beyond_it_and_goes_on(tmp_path):
    with Log(tmp_path) as log:
        for step in (10, 20, 30):
            log.write(step, "train", {"loss": float(step)})
    with Log(tmp_path, 20) as log:
        log.write(30, "train", {"loss": -30.0})
    assert [(row["step"], row["loss"]) for row in read(tmp_path)] == [(10, 10.0), (20, 20.0), (30, -30.0)]


def test_a_fresh_start_drops_everything_after_step_0(tmp_path):
    with Log(tmp_path) as log:
        log.write(0, "test", {"score": 0.1})
        log.write(5, "train", {"loss": 1.0})
    Log(tmp_path).close()
    assert read(tmp_path) == [{"step": 0, "split": "test", "score": 0.1}]


def test_a_split_that_is_scored_again_at_the_step_of_a_restart_is_written_once(tmp_path):
    with Log(tmp_path) as log:
        log.write(20, "train", {"loss": 1.0})
    with Log(tmp_path, 20) as log:
        log.write(20, "train", {"loss": 1.0})
        log.write(20, "test", {"score": 0.5})
    assert [(row["step"], row["split"]) for row in read(tmp_path)] == [(20, "train"), (20, "test")]
    assert [(step, tag) for step, tag, _ in scalars(tmp_path)] == [(20, "train/loss"), (20, "test/score")]


def test_a_torn_last_line_is_dropped_by_the_reader_and_by_the_next_log(tmp_path):
    with Log(tmp_path) as log:
        log.write(1, "train", {"loss": 1.0})
    with open(tmp_path / "metrics.jsonl", "a") as file:
        file.write('{"step": 2, "split": "tra')
    assert [row["step"] for row in read(tmp_path)] == [1]
    with Log(tmp_path, 1) as log:
        log.write(2, "train", {"loss": 0.5})
    assert [row["step"] for row in read(tmp_path)] == [1, 2]


@pytest.mark.parametrize("line", ['{"step": 2, "spl', "[1, 2]", '{"split": "train"}'])
def test_a_broken_line_in_the_middle_is_an_error_with_its_number_and_nothing_is_lost(tmp_path, line):
    text = f'{{"step": 1, "split": "train"}}\n{line}\n{{"step": 3, "split": "train"}}\n'
    (tmp_path / "metrics.jsonl").write_text(text)
    with pytest.raises(ValueError, match=r"metrics\.jsonl line 2"):
        Log(tmp_path, 3)
    assert (tmp_path / "metrics.jsonl").read_text() == text


def test_a_folder_without_a_log_has_no_rows(tmp_path):
    assert read(tmp_path) == []


def test_tensorboard_is_told_to_forget_the_steps_beyond_a_restart(tmp_path):
    for step in (0, 20):
        with Log(tmp_path, step) as log:
            log.write(step + 10, "train", {"loss": 1.0})
    starts = [event.step for event in events(tmp_path) if event.session_log.status == SessionLog.START]
    assert starts == [1, 21]
    assert [step for step, _, _ in scalars(tmp_path)] == [10, 30]


def test_a_file_in_the_place_of_the_run_folder_is_one_clear_error(tmp_path):
    (tmp_path / "run").write_text("not a folder")
    with pytest.raises(OSError, match=r"cannot write the metrics of .*run"):
        Log(tmp_path / "run")


def test_a_killed_writer_leaves_only_whole_rows(tmp_path):
    code = (
        "import sys; from mmjax.train.log import Log\n"
        "log = Log(sys.argv[1])\n"
        "for step in range(1, 10**9):\n"
        "    log.write(step, 'train', {'loss': 1 / step})\n"
        "    if step == 50: print('ready', flush=True)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    steps = [row["step"] for row in read(tmp_path)]
    assert steps == list(range(1, len(steps) + 1))
    assert len(steps) >= 50


FULL = """
import resource, sys
from mmjax.train.log import Log
# A write beyond the limit fails as on a full disk.
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))
try:
    with Log(sys.argv[1], int(sys.argv[2])) as log:
        for step in range(int(sys.argv[2]) + 1, 1000):
            log.write(step, "train", {"loss": 1 / step})
except OSError as error:
    print(error)
"""


def run_on_a_full_disk(workdir: Path, step: int, limit: int) -> subprocess.CompletedProcess:
    command = [sys.executable, "-B", "-c", FULL, str(workdir), str(step), str(limit)]
    return subprocess.run(command, capture_output=True, text=True)


def test_a_full_disk_is_one_clear_error_and_leaves_whole_rows(tmp_path):
    done = run_on_a_full_disk(tmp_path, step=0, limit=1000)
    assert done.stdout.startswith(f"cannot write the metrics of {tmp_path}: File too large")
    assert done.stderr == ""
    text = (tmp_path / "metrics.jsonl").read_bytes()
    assert text.endswith(b"\n")
    assert [json.loads(line)["step"] for line in text.splitlines()] == list(range(1, text.count(b"\n") + 1))


def test_a_disk_too_full_to_open_the_log_leaves_the_old_one_as_it_was(tmp_path):
    with Log(tmp_path) as log:
        for step in range(1, 20):
            log.write(step, "train", {"loss": 1.0})
    done = run_on_a_full_disk(tmp_path, step=10, limit=100)
    assert "File too large" in done.stdout
    assert [row["step"] for row in read(tmp_path)] == list(range(1, 20))
