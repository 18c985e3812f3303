"""NLVR: is a sentence true of a picture of three boxes? What it says modulates what is made of each (arXiv 1709.07871),
or, as in BEiT-3, words and boxes attend to each other (`beit3`, arXiv 2208.10442).

The published sentences are few, so that a model learns first to tell in numbers what is in a box (`counts`) and, of
generated statements in their style, what words mean where these numbers are given (`scenes`); then both at once of
pictures (`statements`), and last the sentences themselves (`base`). Each starts from those before, under
`runs/nlvr_counts`, `runs/nlvr_scenes` and `runs/nlvr_statements`; `scratch` learns the sentences alone. BEiT-3's
stages are called so too: `beit3_scenes`, `beit3_statements`, `beit3`, and `beit3_scratch`. Choices are made on `held`,
sentences of other directories than those that are learnt; `mmjax evaluate --split=dev` measures.
`mmjax data build nlvr --source=FILE_OR_FOLDER`, and `mmjax data build` of `statements` and of `scene_statements`,
prepare the data.

`pick` is an extra: of which of two pictures is a generated sentence true? Each meets the sentence by itself, as in
`statements`, whose run it starts from. `mmjax data build picks` prepares it.
"""

from mmjax.core.build import choose, experiment, use

SIDES, PATCH, VOCAB, LENGTH, HEAD, INSIDE = (100, 400), 10, 256, 32, 16, 57
# Of a picture that is 400 wide a box has 100, with 50 between two.
BOXES = tuple((left, 0.0, left + 0.25, 1.0) for left in (0.0, 0.375, 0.75))
# What is seen in a box is taken of one run, and what words mean of another.
TELL, SAY = "^encoders_image/tell/", "^encoders_image/say/"
COUNTS = dict(workdir="runs/nlvr_counts", rules=((TELL, "encoders_image/"),), same_words=False)
STATEMENTS = "runs/nlvr_statements"
FRESH = (("^(fusion|trunk|head)(/|$)", None),)  # what compares two pictures judges otherwise than of one


def get_config(variant="base"):
    size = choose(
        variant,
        **stages("base", "", judge=modulated),
        **stages("beit3", "beit3_", judge=beit3, dim=96),
        counts=dict(data="statements", steps=1500, decay=0.01),
        pick=dict(data="picks", start=dict(workdir=STATEMENTS, rules=FRESH), words=STATEMENTS, peak=3e-4),
        smoke=dict(data="nlvr", **SMALL),
        smoke_beit3=dict(data="nlvr", judge=beit3, **SMALL),
        smoke_pick=dict(data="picks", **SMALL),
    )
    dim = size.get("dim", 64)
    words = use("data.words", size=VOCAB)
    if "words" in size:
        words = use("data.tokenizer_file", path=f"{size['words']}/tokenizer.json", size=VOCAB)
    picture = use("data.modality.picture", feature="image", size=size.get("sides", SIDES))
    inside = use("data.modality.series", feature="boxes", length=len(BOXES), channels=INSIDE, scale="none")
    text = use("data.modality.text", feature="sentence", length=LENGTH, ends=True)
    tell = use(
        "encoders.regions",
        dim=INSIDE,
        regions=BOXES,
        stem=use("nn.neighbour_stem", widths=size.get("widths", (64, 96)), dim=96, side=size.get("patch", PATCH)),
    )
    say = use("encoders.numbers", dim=dim)
    if variant == "counts":
        modalities, model = {"image": picture}, alone(tell)
        task = use("tasks.regress", model=model, loss_of=use("losses.squared_error"))
        aim = dict(target=use("data.target", feature="boxes", size=len(BOXES) * INSIDE))
    else:
        given = size["data"] == "scene_statements"
        modalities = {"image": inside if given else picture, "text": text}
        image = say if given else use("encoders.concepts", dim=dim, tell=tell, say=say)
        task = use("tasks.classify", model=size.get("judge", modulated)(image, dim, size.get("width", 256)))
        aim = dict(label=use("data.label", feature="label"), kind=use("data.label", feature="kind"), tokenizer=words)
    if size["data"] == "nlvr":
        aim |= dict(group=use("data.group", feature="identifier"), test="held")
    if size["data"] == "picks":
        modalities["image"] = use("data.modality.pictures", feature="image", count=2, size=size.get("sides", SIDES))
        task.model.trunk, task.model.several = use("nn.joined"), ("image",)
    return experiment(
        task=task,
        data=use("data.rows", name=size["data"], modalities=modalities, batch=size.get("batch", 64), **aim),
        optim=use(
            "optim.optimizer",
            rule=use("optim.adamw", b2=0.98, decay=size.get("decay", 0.05)),
            schedule=use("optim.warmup_cosine", peak=size.get("peak", 2e-3), warmup=size.get("warmup", 100)),
            clip=1.0,
            average=use("optim.average", decay=0.99),
        ),
        steps=size.get("steps", 600),
        log=dict(every=50),
        evaluate=dict(every=500),
        checkpoint=dict(every=500, keep=1),
        init_from=size.get("start"),
    )


def alone(tell):
    """What is told of boxes, as it is."""
    return use(
        "models.compose",
        encoders={"image": tell},
        fusion=use("fusion.concat", order=("image",)),
        head=use("heads.flatten", length=len(BOXES)),
    )


def stages(last, prefix, **own):
    """Statements of boxes in numbers, then of pictures, then the published ones; and these alone."""
    scenes, statements = f"runs/nlvr_{prefix}scenes", f"runs/nlvr_{prefix}statements"
    both = dict(workdir=scenes, rules=((TELL, None), (SAY, "encoders_image/")), also=COUNTS)
    return {
        last: dict(own, data="nlvr", start=dict(workdir=statements), words=statements, peak=2e-5, steps=150, warmup=20),
        f"{prefix}scratch": dict(own, data="nlvr"),
        f"{prefix}scenes": dict(own, data="scene_statements", batch=256, steps=4000, peak=1e-3),
        f"{prefix}statements": dict(own, data="statements", start=both, words=scenes, peak=3e-4),
    }


def modulated(image, dim, width):
    """A sentence by itself, then what it asks of each box, and of all answers whether it is true."""
    return use(
        "models.compose",
        encoders={"image": image, "text": sentence(dim)},
        trunks={"text": use("nn.transformer", layers=2, heads=dim // HEAD)},
        fusion=use("fusion.film_blocks", order=("image", "text"), width=width),
        head=use("heads.classify", classes=2, hidden=width),
    )


def beit3(image, dim, width):
    """Words and boxes attend to each other, with weights of their own each; the sentence's first token judges."""
    order = ("image", "text")
    return use(
        "models.compose",
        encoders={"image": image, "text": sentence(dim)},
        interactions=(use("interaction.multiway", order=order, layers=4, heads=dim // HEAD),),
        fusion=use("fusion.first_tokens", order=order, of=("text",)),
        trunk=use("nn.pooler"),
        head=use("heads.classify", classes=2, hidden=width),
    )


def sentence(dim):
    return use("encoders.embedding", dim=dim, vocab=VOCAB, position=use("nn.table_position", length=LENGTH))


SMALL = dict(dim=32, width=32, sides=(20, 80), patch=5, widths=(8,), batch=4, steps=8, warmup=2)
