"""NLVR: is a sentence true of a picture of three boxes? By BEiT-3's multiway transformer (arXiv 2208.10442).

The published sentences are few, so that a model learns first what is in a picture (`counts`) and, of generated
statements in their style, what words mean, where numbers say what is in the boxes (`scenes`); then both at once, of
pictures (`statements`), and last the sentences themselves (`base`). Each starts from those before, under
`runs/nlvr_counts`, `runs/nlvr_scenes` and `runs/nlvr_statements`. `scratch` learns the sentences alone; its words are
those of all stages, so that it comes first, as `runs/nlvr_scratch`. Choices are made on `held`, sentences of other
directories than those that are learnt; `mmjax evaluate --split=dev` measures.
`mmjax data build nlvr --source=FILE_OR_FOLDER` and `mmjax data build statements` prepare the data.

`pick` is an extra: of which of two pictures is a generated sentence true? Each meets the sentence by itself, as in
`statements`, whose run it starts from. `mmjax data build picks` prepares it.
"""

from mmjax.core.build import choose, experiment, use

SIDES, VOCAB, LENGTH, HEAD, INSIDE = (64, 256), 256, 32, 16, 24
WORDS = "runs/nlvr_scratch/tokenizer.json"
# What words mean is taken of one run, and what is seen of another.
SCENES = dict(workdir="runs/nlvr_scenes", rules=(("image", None),))
COUNTS = dict(workdir="runs/nlvr_counts", same_words=False)
FRESH = (("^(fusion|trunk|head)(/|$)", None),)  # what compares two pictures judges otherwise than of one


def get_config(variant="base"):
    judged = dict(order=("image", "text"))
    size = choose(
        variant,
        base=dict(judged, data="nlvr", start=dict(workdir="runs/nlvr_statements"), peak=3e-4, steps=600),
        scratch=dict(judged, data="nlvr", words=use("data.words", size=VOCAB), steps=600),
        counts=dict(order=("image",), data="statements", steps=1000),
        scenes=dict(order=("scene", "text"), data="statements", batch=256, steps=1200),
        statements=dict(judged, data="statements", start=SCENES | dict(also=COUNTS), steps=2000),
        pick=dict(judged, data="picks", start=dict(workdir="runs/nlvr_statements", rules=FRESH), steps=2000),
        smoke=dict(judged, data="nlvr", words=use("data.words", size=VOCAB), **SMALL),
        smoke_pick=dict(judged, data="picks", words=use("data.words", size=VOCAB), **SMALL),
    )
    dim, order, counts = size.get("dim", 96), size["order"], variant == "counts"
    words = size.get("words", use("data.tokenizer_file", path=WORDS, size=VOCAB))
    modalities = {
        "image": use("data.modality.picture", feature="image", size=size.get("sides", SIDES)),
        "scene": use("data.modality.series", feature="boxes", length=3, channels=INSIDE),
        "text": use("data.modality.text", feature="sentence", length=LENGTH, ends=True),
    }
    aim = dict(target=use("data.target", feature="boxes", size=3 * INSIDE))
    task = use("tasks.regress", loss_of=use("losses.squared_error"))
    if not counts:
        aim = dict(label=use("data.label", feature="label"), kind=use("data.label", feature="kind"), tokenizer=words)
        task = use("tasks.classify")
    if size["data"] == "nlvr":
        aim |= dict(group=use("data.group", feature="identifier"), test="held")
    head = use("heads.regress", outputs=3 * INSIDE) if counts else use("heads.classify", classes=2, hidden=192)
    task.model = beit3(dim, size, order, head)
    if size["data"] == "picks":
        modalities["image"] = use("data.modality.pictures", feature="image", count=2, size=size.get("sides", SIDES))
        pooling = use("fusion.attention_pooling", order=order, heads=dim // HEAD)
        task.model.fusion, task.model.trunk, task.model.several = pooling, use("nn.joined"), ("image",)
    return experiment(
        task=task,
        data=use(
            "data.rows",
            name=size["data"],
            modalities={name: modalities[name] for name in order},
            batch=size.get("batch", 64),
            **aim,
        ),
        optim=use(
            "optim.optimizer",
            rule=use("optim.adamw", b2=0.98, decay=0.05),
            schedule=use("optim.warmup_cosine", peak=size.get("peak", 1e-3), warmup=size.get("warmup", 50)),
            clip=1.0,
            average=use("optim.average", decay=0.99),
        ),
        steps=size["steps"],
        log=dict(every=50),
        evaluate=dict(every=500),
        checkpoint=dict(every=500, keep=1),
        init_from=size.get("start"),
    )


def beit3(dim, size, order, head):
    """All tokens decide together: from little data that is learnt sooner than by the first ones alone."""
    encoders = {
        "image": use(
            "encoders.patches", dim=dim, stem=use("nn.mlp_stem", widths=(size.get("first", 48), dim), dim=dim)
        ),
        "scene": use("encoders.sensor", dim=dim, kernel=1, strides=(1,), layers=0, heads=dim // HEAD),
        "text": use("encoders.embedding", dim=dim, vocab=VOCAB, position=use("nn.table_position", length=LENGTH)),
    }
    multiway = use("interaction.multiway", order=order, layers=size.get("layers", 4), heads=dim // HEAD)
    return use(
        "models.compose",
        encoders={name: encoders[name] for name in order},
        interactions=(multiway,),
        fusion=use("fusion.concat", order=order),
        head=head,
    )


SMALL = dict(dim=32, layers=1, sides=(32, 128), batch=4, steps=8, warmup=2)
