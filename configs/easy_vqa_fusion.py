"""easy-VQA as classification: one of 13 answers from a picture and a question, by any op of fusion/.

`base` and `pooled` fuse one token of each; `tokens` all of them, for the ops that take sequences of unequal lengths.
--config.task.model.fusion.use=fusion.NAME takes another op. `mmjax data build easyvqa` prepares the data.
"""

from mmjax.core.build import choose, experiment, use

ORDER = ("image", "text")
VOCAB, LENGTH, ANSWERS = 64, 10, 13


def get_config(variant="base"):
    size = choose(
        variant,
        base=dict(fusion="fusion.low_rank"),
        pooled=dict(fusion="fusion.low_rank"),
        tokens=dict(fusion="fusion.learned_queries", pooled=False),
        smoke=dict(fusion="fusion.low_rank", dim=16, widths=(8, 16), batch=4, steps=8, warmup=2, test="test[:1%]"),
    )
    dim = size.get("dim", 96)
    encoders = {
        "image": use(
            "encoders.vit",
            dim=dim,
            layers=1,
            heads=dim // 16,
            hidden=2 * dim,
            stem=use("nn.conv_stem", widths=size.get("widths", (16, 32, 64, 96)), dim=dim),
            position=use("nn.learned_position"),
        ),
        "text": use("encoders.text_transformer", dim=dim, vocab=VOCAB, layers=1, heads=dim // 16),
    }
    pooled = {name: use("nn.pool") for name in ORDER} if size.get("pooled", True) else None
    return experiment(
        task=use(
            "tasks.classify",
            model=use(
                "models.compose",
                encoders=encoders,
                trunks=pooled,
                fusion=use(size["fusion"], order=ORDER),
                head=use("heads.classify", classes=ANSWERS, hidden=2 * dim),
            ),
        ),
        data=use(
            "data.rows",
            name="easyvqa",
            modalities={
                "image": use("data.modality.picture", feature="image", size=64, augment=use("data.augment")),
                "text": use("data.modality.text", feature="question", length=LENGTH),
            },
            label=use("data.label", feature="answer"),
            tokenizer=use("data.words", size=VOCAB),
            test=size.get("test", "test"),
            batch=size.get("batch", 128),
        ),
        optim=use(
            "optim.optimizer",
            rule=use("optim.adamw", b2=0.98, decay=0.05),
            schedule=use("optim.warmup_cosine", peak=1e-3, warmup=size.get("warmup", 100)),
            groups=(("(bias|scale|table|embedding)$", use("optim.group", decay=0.0)), (".*", use("optim.group"))),
            clip=1.0,
            average=use("optim.average", decay=0.99),
        ),
        steps=size.get("steps", 2000),
        log=dict(every=50),
        checkpoint=dict(every=500, keep=1),
    )
