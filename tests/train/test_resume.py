"""A run that is killed, told to stop, or finds its newest checkpoint damaged ends as one that was never disturbed."""

import json
import random
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from mmjax.__main__ import main
from tests import tiny
from tests.command import ROOT, mmjax, start
from tests.train import bits

LONG = f"--config={tiny.CONFIG}:long"
SAVED_OFTEN = ("--config.checkpoint.every=2", "--config.checkpoint.best=None")


def ended_well(done):
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.fixture(scope="module")
def unbroken(squares, tmp_path_factory):
    """The folder of a run of 40 steps that was left alone."""
    folder = tmp_path_factory.mktemp("unbroken")
    ended_well(mmjax("train", LONG, f"--workdir={folder}", *SAVED_OFTEN))
    return folder


def started(process, step):
    """Returns when a run has told of a step; what it said until then."""
    said = []
    for line in process.stderr:
        said.append(line)
        if line.startswith("step ") and int(line.split()[1].split("/")[0]) >= step:
            return said
    raise AssertionError(f"the run ended before step {step}: {''.join(said)}")


def test_a_run_killed_at_random_moments_ends_in_the_bits_of_an_unbroken_one(unbroken, tmp_path):
    seed = random.randrange(2**32)
    draw = random.Random(seed)
    command = ("train", LONG, f"--workdir={tmp_path}", *SAVED_OFTEN)
    early = start(*command)  # before it has saved anything, or while it starts
    time.sleep(draw.uniform(0.5, 4))
    early.kill()
    early.communicate()
    process = start(*command)
    started(process, 6 + draw.randrange(28))  # by then a checkpoint is whole
    time.sleep(draw.uniform(0, 0.3))
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    killed = bits.steps(tmp_path)
    said = ended_well(mmjax(*command))
    assert f"goes on from step {killed[-1]} of 40" in said, (seed, killed)
    bits.assert_same_run(unbroken, tmp_path)
    assert bits.saved(tmp_path, 40)["progress"]["position"] == 40


@pytest.mark.long
def test_sigterm_saves_exits_with_75_and_the_same_command_completes_the_run(unbroken, tmp_path):
    command = ("train", LONG, f"--workdir={tmp_path}", "--config.checkpoint.every=1000", SAVED_OFTEN[1])
    process = start(*command)
    started(process, 5)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (75, "")
    (step,) = bits.steps(tmp_path)
    assert err.splitlines()[-1] == f"stopped at step {step} of 40, saved; the same command goes on from there"
    assert 5 <= step < 40 and not (tmp_path / "report.html").exists()
    assert f"goes on from step {step} of 40" in ended_well(mmjax(*command))
    bits.assert_same_run(unbroken, tmp_path)


def messages(err):
    """The lines of a run that do not tell of its progress."""
    usual = ("step ", "the first step compiles", "writing the report")
    return [line for line in err.splitlines() if not line.startswith(usual)]


def cut_back(folder, step, copy):
    """A copy of a run folder as it was when it had saved that step: later rows are on disk, later checkpoints not."""
    shutil.copytree(folder, copy)
    (copy / "report.html").unlink(missing_ok=True)
    for later in bits.steps(copy):
        if later > step:
            shutil.rmtree(copy / "checkpoints" / str(later))
    return copy


def test_a_damaged_newest_checkpoint_is_named_and_the_run_goes_on_from_the_one_before(trained, tmp_path, capfd):
    copy = cut_back(trained, 12, tmp_path / "copy")
    for path in (copy / "checkpoints/12/params/d").iterdir():
        path.write_bytes(path.read_bytes()[:-100])
    assert main(["evaluate", f"--workdir={copy}"]) == 0
    out, err = capfd.readouterr()
    assert json.loads(out.splitlines()[-1])["step"] == 9
    assert len([line for line in err.splitlines() if "checkpoints/12" in line]) == 1
    done = mmjax("train", f"--config={tiny.CONFIG}", f"--workdir={copy}")
    told = messages(ended_well(done))
    assert f"{copy}/checkpoints/12" in told[0] and f"set aside as {copy}/damaged-12" in told[0]
    assert told[1] == "goes on from step 9 of 12" and len(told) == 3
    bits.assert_same_run(trained, copy)


NO_LARGE_FILES = """
import resource, sys
from mmjax.__main__ import main
resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))
sys.exit(main())
"""


def test_a_full_disk_is_one_clear_line_and_the_last_checkpoint_stays_usable(trained, tmp_path):
    copy = cut_back(trained, 9, tmp_path / "copy")
    command = ("train", f"--config={tiny.CONFIG}", f"--workdir={copy}")
    before = bits.saved(copy, 9)

    full = subprocess.run(
        [sys.executable, "-c", NO_LARGE_FILES, *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (full.returncode, full.stdout) == (1, "")
    goes_on, *told = messages(full.stderr)
    assert goes_on == "goes on from step 9 of 12" and len(told) == 1, full.stderr
    assert told[0].startswith("mmjax: ") and f"could not be written to {copy}/checkpoints" in told[0]
    assert "make room and run the same command again" in told[0]
    assert bits.steps(copy) == [9]
    bits.assert_same(bits.saved(copy, 9), before)
    assert main(["evaluate", f"--workdir={copy}"]) == 0
    ended_well(mmjax(*command))
    bits.assert_same_run(trained, copy)


MOVED = """
import sys
import jax
from pathlib import Path
from mmjax.train.experiment import Checkpoint, Log
from mmjax.train.loop import Run
from mmjax.train.mesh import Mesh
from mmjax.train.pmap import Pmap
from tests.train.toy import experiment
folder, steps, partition = Path(sys.argv[1]), int(sys.argv[2]), eval(sys.argv[3])
folder.mkdir(exist_ok=True)
x = experiment(steps=steps, partition=partition, log=Log(1), checkpoint=Checkpoint(every=3))
with Run(x, folder, print) as running:
    step, variables = running.checkpoints.load() if running.checkpoints.steps() else (0, {})
    print(step, sum(leaf.size for leaf in jax.tree.leaves(variables)))
    running.train()
"""


def test_a_run_begun_on_eight_devices_goes_on_with_two_split_in_another_way(tmp_path, environment):
    def train(devices, *words):
        command = [sys.executable, "-c", MOVED, *map(str, words)]
        done = subprocess.run(command, cwd=ROOT, env=environment(devices), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    train(8, tmp_path / "whole", 6, 'Mesh(axes={"data": 8})')
    shutil.copytree(tmp_path / "whole", tmp_path / "moved")
    shutil.rmtree(tmp_path / "moved/checkpoints/6")
    shutil.copytree(tmp_path / "moved", tmp_path / "pmap")
    assert "goes on from step 3 of 6" in train(2, tmp_path / "moved", 6, 'Mesh(axes={"fsdp": 2})')
    assert "goes on from step 3 of 6" in train(2, tmp_path / "pmap", 6, "Pmap()")
    whole = bits.saved(tmp_path / "whole", 6)
    for name in ("moved", "pmap"):
        found = bits.saved(tmp_path / name, 6)
        assert found.keys() == whole.keys()
        for key, value in found.items():
            if isinstance(value, np.ndarray):
                np.testing.assert_allclose(value, whole[key], rtol=0, atol=1e-5, err_msg=key)
        assert found["progress"]["position"] == 6 and found["progress"]["key"] == whole["progress"]["key"]
        assert [row[:2] for row in bits.metrics(tmp_path / name)] == [
            *[(step, "train") for step in range(1, 7)],
            (6, "test"),
        ]
