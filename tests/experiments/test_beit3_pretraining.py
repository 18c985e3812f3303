"""The study of BEiT-3's pretraining: what starts from what, for how many steps, of which questions."""

import pytest

from experiments.beit3_pretraining import run
from mmjax.cli import config

TUNED = [name for name, one in run.FINETUNINGS.items() if one.tuned is not None]


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return tmp_path_factory.mktemp("study")


@pytest.fixture(scope="module")
def grid(out):
    return run.cells(out, list(run.FINETUNINGS), 2)


def loaded(cell):
    return config.load(cell.spec, cell.changes)


def test_finetunings_start_from_the_pretrained_run_and_it_from_its_tokenizer(out, grid):
    before = run.pretraining(out)
    assert loaded(before["pretrained"][0]).init_from.workdir == str(before["tokenizer"][0].folder)
    assert loaded(before["tokenizer"][0]).init_from is None
    for name in TUNED:
        for cell in grid[name]:
            experiment = loaded(cell)
            assert experiment.init_from.workdir == str(before["pretrained"][0].folder)
            assert experiment.data.tokenizer.path == str(before["pretrained"][0].folder / "tokenizer.json")


def test_from_nothing_is_the_same_model_and_data_for_all_steps_together(out, grid):
    earlier = sum(loaded(cell).steps for (cell,) in run.pretraining(out).values())
    for name in TUNED:
        for tuned, alone in zip(grid[name], grid[f"{name}_scratch"], strict=True):
            one, other = loaded(tuned), loaded(alone)
            assert other.init_from is None and other.steps == one.steps + earlier > one.steps
            assert (one.seed, one.task, one.data.train) == (other.seed, other.task, other.data.train)
            assert one.data.modalities == other.data.modalities if name != "caption" else one.data.fields
    assert "fashion" not in grid and loaded(grid["fashion_scratch"][1]).seed == 1
    shares = {loaded(cell).data.train for cell in grid["few"]}
    assert shares == {"train[0%:5%]", "train[5%:10%]"}


class Done:
    """A run that is done, with its scores."""

    done, asked = True, {"steps": 3400}

    def __init__(self, **scores):
        self.scores = lambda: scores


def test_the_table_has_a_row_for_what_is_done_and_both_ways_where_there_are_two():
    rows = {"few": [Done(accuracy=0.9), Done(accuracy=0.8)], "few_scratch": [Done(accuracy=0.5)], "caption": []}
    assert run.table(rows).splitlines()[2:] == [
        "| 5 % of easy-VQA's questions, accuracy (%) | 85.00 ± 7.07 | 50.00 | 3,400 |"
    ]
    both = {"caption": [Done(cider=6.5)], "caption_scratch": [Done(cider=6.25)]}
    assert run.table(both).splitlines()[2:] == ["| captions, CIDEr | 6.50 | 6.25 | 3,400 |"]
    alone = {"fashion_scratch": [Done(accuracy=0.925)]}
    assert run.table(alone).splitlines()[2:] == ["| Fashion-MNIST, accuracy (%) |  | 92.50 | 3,400 |"]
