"""Binary sentiment of a picture with a text, on data of your own: late fusion of one token each, gated.

`decisions` fuses what a classifier says of each, `hybrid` lets patches and words see each other first, and `bert` does
so with a pretrained encoder of texts (MiniLM or another of BERT's form, by `mmjax import bert --into=encoders_text`).

The data are rows {"image": path, "text": text, "label": "positive" or "negative"} of a file:
`mmjax data build --source=posts.jsonl --name=posts`.
"""

from mmjax.core.build import choose, experiment, use

ORDER = ("image", "text")
MINILM = dict(dim=384, layers=6, heads=12, vocab=30_522)


def get_config(variant="base"):
    size = choose(
        variant,
        base=dict(place=late),
        decisions=dict(place=decisions),
        hybrid=dict(place=hybrid),
        bert=dict(place=hybrid, dim=MINILM["dim"], peak=5e-5, bert=True),
        smoke=dict(
            place=late, dim=16, widths=(8, 16), side=32, vocab=512, length=32, batch=4, steps=8, warmup=2, dropout=0.0
        ),
    )
    dim, dropout, vocab = size.get("dim", 128), size.get("dropout", 0.1), size.get("vocab", 4096)
    words = use("encoders.text_transformer", dim=dim, vocab=vocab, layers=2, heads=dim // 16, dropout=dropout)
    tokenizer = use("data.byte_pair", size=vocab)
    if size.get("bert"):
        words = use("encoders.bert", dropout=dropout, **MINILM)
        tokenizer = use("data.tokenizer_file", path="minilm/tokenizer.json")
    encoders = {
        "image": use(
            "encoders.vit",
            dim=dim,
            layers=2,
            heads=dim // 16,
            hidden=2 * dim,
            stem=use("nn.conv_stem", widths=size.get("widths", (16, 32, 64, 128)), dim=dim),
            position=use("nn.learned_position"),
            dropout=dropout,
        ),
        "text": words,
    }
    side, length = size.get("side", 96), size.get("length", 64)
    return experiment(
        task=use(
            "tasks.classify",
            model=use("models.compose", encoders=encoders, **size["place"](dim, dropout)),
        ),
        data=use(
            "data.rows",
            name="posts",
            modalities={
                "image": use(
                    "data.modality.picture", feature="image", size=side, resize="crop", augment=use("data.augment")
                ),
                "text": use("data.modality.text", feature="text", length=length, ends=size.get("bert", False)),
            },
            label=use("data.label", feature="label"),
            tokenizer=tokenizer,
            batch=size.get("batch", 64),
        ),
        optim=use(
            "optim.optimizer",
            rule=use("optim.adamw", b2=0.98, decay=0.05),
            schedule=use("optim.warmup_cosine", peak=size.get("peak", 5e-4), warmup=size.get("warmup", 100)),
            clip=1.0,
            average=use("optim.average", decay=0.99),
        ),
        steps=size.get("steps", 2000),
        log=dict(every=50),
        checkpoint=dict(every=500, keep=1),
    )


def late(dim, dropout):
    pooled = {name: use("nn.pool") for name in ORDER}
    head = use("heads.classify", classes=2, hidden=dim, dropout=dropout)
    return dict(trunks=pooled, fusion=use("fusion.gated", order=ORDER), head=head)


def decisions(dim, dropout):
    heads = {name: use("heads.classify", classes=2, hidden=dim, dropout=dropout) for name in ORDER}
    return dict(heads=heads, fusion=use("fusion.decision_learned", order=ORDER))


def hybrid(dim, dropout):
    return dict(
        interactions=(use("interaction.co_attention", order=ORDER, layers=2, heads=dim // 32, dropout=dropout),),
        fusion=use("fusion.concat", order=ORDER),
        head=use("heads.classify", classes=2, hidden=dim, dropout=dropout),
    )
