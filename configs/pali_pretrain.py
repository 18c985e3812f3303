"""PaLI's pretraining in small: tasks of eight kinds as text, over easy-VQA's pictures with captions and seeded scenes.

PaLI starts from a trained vision transformer. Here it is made first, by captions (`vit`); `base` is stage 1, the whole
mixture over the frozen ViT, and `stage2` trains everything at a higher resolution. `paligemma` is the other family: a
decoder-only model of which nothing is frozen, the image tower with a slow warm-up. Each stage starts from the run of
the one before under `runs/`, with its tokenizer; --config.init_from.workdir and --config.data.tokenizer.path name
others.
"""

from mmjax.core.build import choose, experiment, use
from mmjax.data.scene import LABELS

VOCAB, BINS, SENTINELS, HEAD = 512, 32, 4, 16
TEXT, TARGET = 26, 25
PARTS = ("caption", "scene_caption", "split_caption", "vqa", "vqa_single", "vqg", "objects", "spans", "ocr", "detect")
CAPTIONS = ("caption", "scene_caption")
METRICS = {"detect": "metrics.box_f1", "ocr": "metrics.character_error_rate"}
CORPUS = ("metrics.cider", "metrics.rouge_l")  # of captions
# Of the run that makes the vision transformer nothing else is taken.
TOWER = (("^image/", "image/"), (".*", None))


def get_config(variant="base"):
    size = choose(
        variant,
        base=dict(steps=1500, frozen=True, start=dict(workdir="runs/pali_vit", rules=TOWER, same_words=False)),
        vit=dict(steps=900, only=CAPTIONS),
        stage2=dict(steps=1500, pixels=64, peak=5e-4, start="runs/pali_stage1", words="runs/pali_stage1"),
        paligemma=dict(steps=3900, pixels=64, family=paligemma, slow=300),
        smoke=dict(steps=8, warmup=2, batch=4, dim=32, layers=1, stem=(8, 16, 16), train=50, test=2, easy="test[:1%]"),
    )
    dim, layers = size.get("dim", 96), size.get("layers", 2)
    image = use(
        "encoders.vit",
        dim=dim,
        layers=1,
        heads=dim // HEAD,
        hidden=4 * dim,
        stem=use("nn.conv_stem", widths=size.get("stem", (16, 32, 64, 96)), dim=dim),
        position=use("nn.learned_position"),
    )
    chosen = size.get("only", PARTS)
    parts = mixture(size.get("train", 10_000), size.get("test", 100), size.get("easy", "test"))
    return experiment(
        task=use(
            "tasks.generate",
            model=size.get("family", pali)(dim, layers, image),
            length=TARGET,
            metrics={name: use(path) for name, path in METRICS.items() if name in chosen},
            corpus={name: tuple(use(path) for path in CORPUS) for name in CAPTIONS if name in chosen},
        ),
        data=use(
            "data.mixture",
            parts={name: parts[name] for name in chosen},
            tokenizer=words(size.get("words")),
            size=size.get("pixels", 48),
            batch=size.get("batch", 64),
            questions=4,
            text_length=TEXT,
            target_length=TARGET,
        ),
        optim=use(
            "optim.optimizer",
            rule=use("optim.adamw", b2=0.98, decay=0.05),
            schedule=use("optim.warmup_cosine", peak=size.get("peak", 5e-4), warmup=size.get("warmup", 50)),
            groups=(*tower(size), (".*", use("optim.group"))),
            clip=1.0,
            average=use("optim.average", decay=0.99),
        ),
        steps=size["steps"],
        checkpoint=dict(every=100, keep=1),
        init_from=size.get("start"),
    )


def mixture(train, test, easy):
    """The parts by name; of scenes so many are drawn to train and to test on, `easy` is the test split of easy-VQA."""
    scenes = use("data.scenes", things=(1, 2), words=(0, 1), train=train, test=test)
    single = use("data.scenes", things=(1, 1), words=(0, 0), train=train, test=test)
    words = use("data.scenes", things=(1, 2), words=(1, 1), train=train, test=test)
    fields = {"image": "image", "caption": "caption", "group": "image_id"}
    pictures = use("data.dataset", name="easyvqa", fields=fields, test=easy)

    def part(source, prompt, weight, **fields):
        return use("data.part", source=source, prompt=prompt, weight=weight, **fields)

    # PaLI weighs by what the web holds; here each task has what it needs. Questions about one thing come first: with
    # two, what is asked about must be found before it can be told.
    return dict(
        caption=part(pictures, use("data.prompts.caption"), 4.0, augment=use("data.augment")),
        scene_caption=part(scenes, use("data.prompts.caption"), 1.0),
        split_caption=part(scenes, use("data.prompts.split_caption"), 1.0),
        vqa=part(scenes, use("data.prompts.answer_question"), 6.0),
        vqa_single=part(single, use("data.prompts.answer_question"), 12.0),
        vqg=part(scenes, use("data.prompts.ask_question"), 1.0),
        objects=part(scenes, use("data.prompts.name_objects", names=LABELS, listed=3), 4.0),
        spans=part(scenes, use("data.prompts.fill_spans"), 1.0),
        ocr=part(words, use("data.prompts.read_words"), 1.0),
        detect=part(scenes, use("data.prompts.detect_objects", bins=BINS), 1.0),
    )


def words(run):
    """The tokenizer of a run whose parameters are taken, or one trained on the texts."""
    if run:
        return use("data.tokenizer_file", path=f"{run}/tokenizer.json", size=VOCAB)
    return use("data.words", size=VOCAB, locations=BINS, sentinels=SENTINELS)


def pali(dim, layers, image):
    trunk = dict(layers=layers, heads=dim // HEAD, head_dim=HEAD, hidden=2 * dim)
    encoder, decoder = use("nn.t5_encoder", **trunk), use("decode.t5_decoder", **trunk)
    return use("models.pali", vocab=VOCAB, dim=dim, image=image, encoder=encoder, decoder=decoder)


def paligemma(dim, layers, image):
    decoder = use("decode.gemma_decoder", layers=2 * layers, heads=dim // HEAD, head_dim=HEAD, hidden=2 * dim)
    # BOS of the tokenizers that mmjax trains; no text holds it, so that it can stand after the text too.
    return use("models.paligemma", vocab=VOCAB, dim=dim, image=image, decoder=decoder, bos=2, separator=2)


def tower(size):
    """What the optimiser does otherwise with the image tower."""
    if size.get("frozen"):
        return (("^image/", use("optim.group", frozen=True)),)
    return (("^image/", use("optim.group", warmup=size["slow"])),) if "slow" in size else ()
