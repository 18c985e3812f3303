"""The study of negative transfer: its runs build, its tables say how far they are from the best modality alone."""

import jax
import pytest

from experiments.negative_transfer import run
from mmjax.cli import config
from mmjax.train.log import Log
from mmjax.train.state import one_row


def test_every_run_is_a_variant_of_the_config_and_builds(tmp_path):
    grid = run.cells(tmp_path, 2)
    assert list(grid) == list(run.RUNS) and [cell.seed for cell in grid[run.JOINT]] == [0, 1]
    for name, row in grid.items():
        experiment = config.load(row[0].spec, row[0].changes)
        params, _ = jax.eval_shape(experiment.task.init, jax.random.key(0), one_row(experiment.data))
        assert params
        assert set(experiment.data.modalities) == ({name} if name in run.MODALITIES else set(run.MODALITIES))
        assert row[0].reader.name == (f"{name}_0" if name in run.MODALITIES else f"{run.JOINT}_0")


def logged(folder, fused, image, trained=1.0, told=()):
    """What a run of three steps logs."""
    with Log(folder) as log:
        for step in (1, 2, 3):
            train = {f"{run.ACCURACY}{run.FUSED}": trained, **{name: value * step for name, value in told}}
            log.write(step, "train", train)
            log.write(step, "test", {f"{run.ACCURACY}{run.FUSED}": fused - 0.1 * (step == 1)})
        log.write(4, "test", {f"{run.ACCURACY}{run.FUSED}": fused, f"{run.ACCURACY}image": image})
    return run.read(folder) | {"alike": 0.7}


def test_the_table_says_how_far_a_run_is_from_the_best_modality_alone(tmp_path):
    told = ((f"{run.COSINE}image and fused", -0.2), (f"{run.NORM}image", 1.0))
    found = {
        "image": [logged(tmp_path / f"i{k}", 0.6 + 0.02 * k, 0.6) for k in range(2)],
        "sound": [logged(tmp_path / "s", 0.3, 0.3)],
        run.JOINT: [logged(tmp_path / "j", 0.5, 0.4)],
        run.WATCHED: [logged(tmp_path / "w", 0.65, 0.4, trained=0.75, told=told)],
    }
    lines = dict(line.removeprefix("| ").split(": ", 1) for line in run.table(found).splitlines()[2:])
    assert lines["`image`"].startswith("alone | 61.00 ± 1.41 % |  | 60.00 ± 0.00 % |  |")
    assert " | -11.00 | 40.00 % |" in lines[f"`{run.JOINT}`"] and " | +4.00 | 40.00 % |" in lines[f"`{run.WATCHED}`"]
    assert lines[f"`{run.WATCHED}`"].endswith("| 65.00 % | 75.00 % | 10.00 % | 70.00 % |")
    text = run.gradients(found[run.WATCHED])
    assert "| cosine image and fused | -0.20 | -0.40 | -0.60 |" in text
    assert "| norm, encoder of image | 1.00 | 2.00 | 3.00 |" in text
    run.plot(found, tmp_path / "all.svg")
    run.plot_gradients(found[run.WATCHED], tmp_path / "gradients.svg")
    assert "sound, test" in (tmp_path / "all.svg").read_text()
    assert "image and fused" in (tmp_path / "gradients.svg").read_text()


def test_the_best_step_is_told_of_a_run_that_gets_worse(tmp_path):
    with Log(tmp_path) as log:
        for step, share in ((1, 0.5), (2, 0.75), (3, 0.25)):
            log.write(step, "test", {f"{run.ACCURACY}{run.FUSED}": share})
    found = run.read(tmp_path)
    assert found["best"] == 0.75 and found["test"][run.FUSED] == pytest.approx(0.25)
