"""PaLI finetuned on easy-VQA's questions from a pretrained run: everything trained, at stage 2's resolution.

`frozen` keeps the image tower as it is (PaLI-3's way); `scratch` is the same model and data without pretraining, what
`experiments/pali_pretraining` compares with. `--config.data.train='train[:5%]'` takes a share of the questions.
"""

from pathlib import Path
from runpy import run_path

from mmjax.core.build import choose, use

PRETRAIN = run_path(str(Path(__file__).with_name("pali_pretrain.py")))
pretrain, words = PRETRAIN["get_config"], PRETRAIN["words"]


def get_config(variant="base"):
    start = "runs/pali_stage2"
    size = choose(
        variant,
        base=dict(steps=300, start=start),
        frozen=dict(steps=300, start=start, frozen=True),
        scratch=dict(steps=2000, peak=5e-4, start=None),
        smoke=dict(steps=8, start=None),
    )
    config = pretrain("smoke" if variant == "smoke" else "stage2")
    data, optim = config.data, config.optim
    shapes = {name: data[name] for name in ("size", "batch", "text_length", "target_length")}
    config.data = use(
        "data.pictures",
        name="easyvqa",
        test="test[:1%]" if variant == "smoke" else "test",
        prompt=use("data.prompts.answer_question"),
        # The words are those of the pretrained run, whose ids the model knows.
        tokenizer=words(start if size["start"] else None),
        augment=use("data.augment"),
        questions=4,
        **shapes,
    )
    config.task.metrics, config.task.corpus = {}, {}
    config.init_from = size["start"]
    config.steps = size["steps"]
    optim.schedule.peak = size.get("peak", 3e-4)
    if size.get("frozen"):
        optim.groups = (("^image/", use("optim.group", frozen=True)), (".*", use("optim.group")))
    return config
