"""Every experiment in configs/ builds in every variant, and its smoke variant takes two steps and learns one batch."""

import importlib.util
import json
from pathlib import Path

import jax
import numpy as np
import pytest

from mmjax.cli import config
from mmjax.core import paths
from mmjax.core.build import ConfigError, build, describe
from mmjax.train.experiment import Experiment
from mmjax.train.loop import Run

CONFIGS = sorted((Path(__file__).parents[1] / "configs").glob("*.py"))
LEARN = (
    "optim.schedule.use=optim.constant",
    "optim.schedule.peak=0.003",
    "checkpoint.best=None",
    "init_from=None",
)


def variants(path: Path) -> list[str]:
    """The variants of a config, as it lists them when it is asked for one that it does not have; [] if it has none."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    try:
        module.get_config("none of them")
    except ConfigError as error:
        return str(error).partition("there are ")[2].split(";")[0].split(", ")
    except TypeError:
        pass
    return []


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_variant_builds_and_is_rebuilt_from_its_json_alone(path):
    found = variants(path)
    assert "base" in found[:1] and "smoke" in found, "what stands in configs/ has these two; keep others elsewhere"
    for variant in found:
        experiment = config.load(f"{path}:{variant}")
        assert isinstance(experiment, Experiment)
        again = build(json.loads(json.dumps(describe(experiment))), hint=Experiment)
        assert again == experiment
    assert config.load(str(path)) == config.load(f"{path}:base")


@pytest.mark.parametrize("path", [path for path in CONFIGS if "pali" in path.stem], ids=lambda path: path.stem)
def test_the_smoke_variant_is_evaluated_on_little(path, easyvqa, tmp_path):
    experiment = config.load(f"{path}:smoke")
    assert experiment.data.open(tmp_path).examples() <= 200


# What trains the model of another config here, on other data or by another loss, or parts that contracts and tests of
# their own train; so do variants beside "smoke".
AGAIN = (
    "av_digits",
    "beit3_caption",
    "beit3_easy_vqa",
    "beit3_published",
    "beit3_retrieval",
    "bounces",
    "emoji",
    "image_text_sentiment",
    "late_signals",
    "late_streams",
    "negative_transfer",
    "pali_finetune",
    "pali_pretrain",
    "pali_published",
    "sensors",
    "siglip",
    "sort_of_clevr",
    "two_views",
)
SMOKES = [
    pytest.param(
        f"{path}:{variant}",
        id=f"{path.stem}:{variant}",
        marks=[pytest.mark.long] * (variant != "smoke" or path.stem in AGAIN),
    )
    for path in CONFIGS
    for variant in variants(path)
    if variant.startswith("smoke")
]


@pytest.mark.parametrize("spec", SMOKES)
def test_a_smoke_variant_takes_two_steps_and_learns_one_batch(spec, easyvqa, small_wheels, tmp_path):
    keys = paths.flatten({"data": describe(config.load(spec).data)})
    augmented = {key.partition("/augment/")[0].replace("/", ".") for key in keys if "/augment/" in key}
    experiment = config.load(spec, [*LEARN, *(f"{key}.augment=None" for key in sorted(augmented))])
    with Run(experiment, tmp_path, print) as running:
        state, _ = running._start()
        batches = running.feed.train(experiment.seed)
        for _ in range(2):
            state, metrics = running.step(state, running.partition.put_batch(next(batches)))
        assert np.isfinite(running.partition.fetch(metrics)["scalars"]["loss"])
        host = next(batches)
        batch = running.partition.put_batch(host)
        found = {}

        def learnt():
            variables = {"params": state.params, "extra": state.extra}
            predictions, means = running.predict(variables, batch)
            found.update({n: float(mean.value) for n, mean in jax.device_get(running.partition.fetch(means)).items()})
            if not means:  # what is scored is all of a corpus, here the batch
                scores = running.task.finish(running.task.read(running.partition.gather(predictions), host))
                found.update({name: value for name, value in scores.items() if "/" not in name})
            return found and all(value < 0.1 if "error" in name else value == 1 for name, value in found.items())

        for _ in range(200):
            state, metrics = running.step(state, batch)
            # One that ties rows together may have no 0: two rows of a batch may belong to each other.
            if (running.task.coupled or float(running.partition.fetch(metrics)["scalars"]["loss"]) < 0.1) and learnt():
                break
        else:
            pytest.fail(f"after 200 steps it has not learnt the batch: {found or metrics}")
