"""mmjax robustness on a run whose rows really lack fields: what it learnt, subsets, rates, corruptions, its page."""

import json
import os

import jax
import pytest

from mmjax.__main__ import main
from mmjax.cli import config, report, robustness
from mmjax.cli.robustness import modalities
from mmjax.cli.robustness_panels import panels
from mmjax.data import own
from mmjax.train.loop import Run
from tests import lacking, tiny
from tests.command import ROOT
from tests.train import bits


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder of a complete run, but for its page."""
    own.build(lacking.rows(tmp_path_factory.mktemp("rows")), "lacking", os.environ["TFDS_DATA_DIR"])
    folder = tmp_path_factory.mktemp("lacking")
    experiment = config.load(str(lacking.CONFIG))
    config.save(experiment, folder)
    (folder / report.OPTIONS).write_text('["--config=lacking.py"]')
    with Run(experiment, folder, print) as running:
        running.train()
    return folder


@pytest.fixture(scope="module")
def measured(folder):
    """What the command wrote, its last line, and how many programs were compiled by each line that it said."""
    with pytest.MonkeyPatch.context() as patch:
        said, compiled, by = [], [], {}
        jax.monitoring.register_event_duration_secs_listener(
            lambda event, *_, **__: compiled.append(event) if "backend_compile" in event else None
        )
        patch.setattr("builtins.print", lambda *words, **_: said.append(words[0]))
        patch.setattr(robustness, "say", lambda line: by.update({line: len(compiled)}))
        assert main(["robustness", f"--workdir={folder}", "--rates=0,0.4,0.8"]) == 0
    return json.loads((folder / "robustness.json").read_text()), json.loads(said[-1]), by


def test_a_run_learns_from_rows_that_lack_fields_and_its_own_losses_too(folder):
    rows = [row for *_, row in bits.metrics(folder)]
    assert rows[-1]["accuracy"] > 0.8 and rows[-2]["reconstruction"] < rows[0]["reconstruction"]


def test_every_subset_is_scored_all_of_them_as_evaluation_does(folder, measured):
    found, last, _ = measured
    assert set(found["subsets"]) == {"front", "pace", "front+pace"}
    accuracy = bits.metrics(folder)[-1][2]["accuracy"]
    assert found["subsets"]["front+pace"] == found["scores"] == found["missing"]["0.0"]
    assert found["scores"]["accuracy"] == last["accuracy"] == accuracy
    assert (found["examples"], found["step"]) == (last["examples"], last["step"]) == (lacking.TEST, 60)
    # A row that lacks the only field that is shown can only be guessed.
    assert min(found["subsets"][name]["accuracy"] for name in lacking.ORDER) < accuracy


def test_rates_and_strengths_are_those_that_were_asked_for_and_make_sense(measured):
    found, _, _ = measured
    assert list(found["missing"]) == ["0.0", "0.4", "0.8"]
    kinds = {kind: set(lines) for kind, lines in found["corruptions"].items()}
    assert kinds == {"noise": set(lacking.ORDER), "blur": {"pace"}, "shift": {"pace"}, "drop": {"pace"}}
    assert all(len(points) >= 3 for lines in found["corruptions"].values() for points in lines.values())


def test_nothing_compiles_anew_whatever_is_missing_or_corrupted(measured):
    _, _, by = measured
    assert by["3 subsets of the modalities"] == by["3 missing rates"] == by["drop of pace"] > 0


def test_the_page_shows_curves_beside_all_else(folder, measured):
    found, _, _ = measured
    page = (folder / "report.html").read_text()
    for part in ('<section id="robustness">', '<section id="examples">', "only these are there", "--config=lacking.py"):
        assert part in page
    curves = [panel for panel in panels(folder) if panel.kind == "curve"]
    assert {panel.text["score"] for panel in curves} == {"accuracy"}
    assert len(curves) == 5 and curves[0].arrays["x"].tolist() == [0, 0.4, 0.8]
    noise = curves[1].arrays
    assert noise["x"][0] == 0 and {noise[name][0] for name in lacking.ORDER} == {found["scores"]["accuracy"]}


def test_a_rate_of_1_is_told_in_one_line(tmp_path, capsys):
    assert main(["robustness", f"--workdir={tmp_path}", "--rates=0.5,1"]) == 1
    told = capsys.readouterr().err
    assert "a missing rate of 1; expected one from 0 on and below 1, at which nothing is left" in told
    assert len(told.splitlines()) == 1


def test_data_without_modalities_that_may_be_missing_is_told():
    with pytest.raises(
        ValueError, match=r"takes modalities away, which data\.rows names; this run reads Pictures, where"
    ):
        modalities(config.load(str(tiny.CONFIG)).data)


def test_a_run_that_compares_two_views_is_told(tmp_path, capsys):
    config.save(config.load(f"{ROOT}/configs/clip.py:smoke"), tmp_path)
    assert main(["robustness", f"--workdir={tmp_path}"]) == 1
    assert "is a run of tasks.contrast, which compares two views: neither can be missing" in capsys.readouterr().err
