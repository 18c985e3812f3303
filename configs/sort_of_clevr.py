"""Sort-of-CLEVR: how six coloured squares and circles stand to each other (Santoro et al. 2017, arXiv 1706.01427).

`base` relates the places of a small convolutional net to each other and lets the question attend to them twice,
`network` is the paper's relation network, `transformer` relates places by self-attention, and `mlp` is a baseline after
the paper's, a feed-forward network over all places at once. A picture is encoded once for its 20 questions.
`mmjax data build sort_of_clevr` draws the data.
"""

from mmjax.core.build import choose, experiment, use

ORDER = ("image", "question")
QUESTIONS, BITS, ANSWERS = 20, 11, 10


def get_config(variant="base"):
    size = choose(
        variant,
        base=dict(place=relations),
        network=dict(place=relation),
        transformer=dict(place=transformer),
        mlp=dict(place=feed_forward),
        smoke=dict(place=relations, dim=16, widths=(8, 8, 16), batch=2, steps=8, warmup=2, test="test[:10]"),
    )
    dim = size.get("dim", 64)
    question = dict(length=QUESTIONS, channels=BITS, scale="none")
    return experiment(
        task=use(
            "tasks.classify",
            model=use(
                "models.compose",
                encoders={
                    "image": use(
                        "encoders.conv_net",
                        dim=dim,
                        widths=size.get("widths", (16, 32, 64)),
                        position=use("nn.learned_position"),
                    ),
                    "question": use("encoders.vector", dim=dim, hidden=dim),
                },
                asked=("question",),
                **size["place"](dim),
            ),
        ),
        data=use(
            "data.rows",
            name="sort_of_clevr",
            modalities={
                "image": use("data.modality.picture", feature="image", size=40),
                "question": use("data.modality.series", feature="question", **question),
            },
            label=use("data.label", feature="answer", many=QUESTIONS),
            kind=use("data.label", feature="kind", many=QUESTIONS),
            test=size.get("test", "test"),
            batch=size.get("batch", 32),
        ),
        optim=use(
            "optim.optimizer",
            rule=use("optim.adamw", b2=0.98, decay=0.01),
            schedule=use("optim.warmup_cosine", peak=1e-3, warmup=size.get("warmup", 200)),
            clip=1.0,
            average=use("optim.average", decay=0.99),
        ),
        steps=size.get("steps", 8000),
        evaluate=dict(every=500),
        checkpoint=dict(every=500, keep=1),
    )


def relations(dim):
    fusion = use("fusion.stacked_attention", order=ORDER, hidden=2 * dim)
    return dict(
        trunks={"image": use("nn.relations", hidden=2 * dim)},
        fusion=fusion,
        head=use("heads.classify", classes=ANSWERS),
    )


def transformer(dim):
    return relations(dim) | dict(trunks={"image": use("nn.transformer", layers=2, heads=4, hidden=2 * dim)})


def relation(dim):
    fusion = use("fusion.relation", order=ORDER)
    return dict(fusion=fusion, head=use("heads.classify", classes=ANSWERS))


def feed_forward(dim):
    return dict(
        trunks={"image": use("nn.flatten")},
        fusion=use("fusion.concat_features", order=ORDER),
        head=use("heads.classify", classes=ANSWERS, hidden=4 * dim),
    )
