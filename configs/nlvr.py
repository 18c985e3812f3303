"""NLVR: is a sentence true of a picture of three boxes? By BEiT-3's multiway transformer (arXiv 2208.10442).

The published sentences are few, so that a model learns first what is in a picture (`counts`), then statements that are
generated in their style (`statements`), and last the sentences themselves (`base`); each starts from the run before,
under `runs/nlvr_counts` and `runs/nlvr_statements`. `scratch` learns the sentences alone; its words are those of all
stages, so that it comes first, as `runs/nlvr_scratch`. Choices are made on `held`, sentences of other directories than
those that are learnt; `mmjax evaluate --split=dev` measures.
`mmjax data build nlvr --source=FILE_OR_FOLDER` and `mmjax data build statements` prepare the data.
"""

from mmjax.core.build import choose, experiment, use

ORDER = ("image", "text")
SIDES, VOCAB, LENGTH, HEAD, INSIDE = (64, 256), 256, 32, 16, 72
WORDS = "runs/nlvr_scratch/tokenizer.json"
# Counting has no text; what is said of a picture wants another head than a count.
SEEN = (("text", None), ("^(trunk|head)/", None))


def get_config(variant="base"):
    size = choose(
        variant,
        base=dict(data="nlvr", test="held", start=dict(workdir="runs/nlvr_statements"), peak=3e-4, steps=600),
        scratch=dict(data="nlvr", test="held", words=use("data.words", size=VOCAB), steps=600),
        counts=dict(data="statements", steps=1000),
        statements=dict(data="statements", start=dict(workdir="runs/nlvr_counts", rules=SEEN, same_words=False)),
        smoke=dict(data="nlvr", test="held", words=use("data.words", size=VOCAB), **SMALL),
    )
    dim, counts = size.get("dim", 96), variant == "counts"
    image = use("data.modality.picture", feature="image", size=size.get("sides", SIDES))
    text = use("data.modality.text", feature="sentence", length=LENGTH, ends=True)
    words = size.get("words", use("data.tokenizer_file", path=WORDS, size=VOCAB))
    label = dict(label=use("data.label", feature="label"), kind=use("data.label", feature="kind"), tokenizer=words)
    if size["data"] == "nlvr":
        label["group"] = use("data.group", feature="identifier")
    counted = dict(target=use("data.target", feature="inside", size=INSIDE))
    head = use("heads.regress", outputs=INSIDE) if counts else use("heads.classify", classes=2)
    task = use("tasks.regress", loss_of=use("losses.squared_error")) if counts else use("tasks.classify")
    task.model = beit3(dim, size, ORDER[: 2 - counts], head)
    return experiment(
        task=task,
        data=use(
            "data.rows",
            name=size["data"],
            modalities={"image": image} if counts else {"image": image, "text": text},
            test=size.get("test", "test"),
            batch=size.get("batch", 64),
            **(counted if counts else label),
        ),
        optim=use(
            "optim.optimizer",
            rule=use("optim.adamw", b2=0.98, decay=0.05),
            schedule=use("optim.warmup_cosine", peak=size.get("peak", 1e-3), warmup=size.get("warmup", 50)),
            clip=1.0,
            average=use("optim.average", decay=0.99),
        ),
        steps=size.get("steps", 3000),
        log=dict(every=50),
        evaluate=dict(every=500),
        checkpoint=dict(every=500, keep=1),
        init_from=size.get("start"),
    )


def beit3(dim, size, order, head):
    """Of a text its first token, of a picture its class token, side by side as published."""
    encoders = {
        "image": use(
            "encoders.patches", dim=dim, stem=use("nn.mlp_stem", widths=(size.get("first", 48), dim), dim=dim)
        ),
        "text": use("encoders.embedding", dim=dim, vocab=VOCAB, position=use("nn.table_position", length=LENGTH)),
    }
    multiway = use("interaction.multiway", order=order, layers=size.get("layers", 4), heads=dim // HEAD)
    return use(
        "models.compose",
        encoders={name: encoders[name] for name in order},
        interactions=(multiway,),
        fusion=use("fusion.first_tokens", order=order),
        trunk=use("nn.joined"),
        head=head,
    )


SMALL = dict(dim=32, layers=1, sides=(32, 128), batch=4, steps=8, warmup=2)
