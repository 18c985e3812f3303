"""BEiT-3's pretraining: codes of hidden patches and hidden words are told, of pictures, of texts and of pairs.

`base` fills in easy-VQA's pictures, questions, and pictures with captions, by the tokenizer of
configs/beit3_tokenizer.py, whose run lies under `runs/beit3_tokenizer`; --config.init_from.workdir names another.
`mmjax data build easyvqa` and `mmjax data build easyvqa_captions` prepare the data.
"""

from mmjax.core.build import choose, experiment, use

ORDER = ("image", "text")
VOCAB, LENGTH, SIDE, PATCH, HEAD = 64, 12, 48, 8, 16
GRID = (SIDE // PATCH, SIDE // PATCH)
TOLD = ("pairs_image", "pairs_text", "pictures_image", "texts_text")
# Of the tokenizer's run that which makes codes, and the codes.
CODER = (("^coder/codes$", "extra/codebook/codes"), ("^coder/model/", ""), (".*", None))


def get_config(variant="base"):
    size = choose(
        variant,
        base=dict(start=dict(workdir="runs/beit3_tokenizer", rules=CODER, same_words=False)),
        smoke=dict(dim=32, layers=1, batch=4, steps=8, warmup=2, codes=8, coder=(32, 2), test="test[:1%]", fresh=True),
    )
    dim, layers = size.get("dim", 96), size.get("layers", 4)
    return experiment(
        task=use("tasks.masked", model=beit3(dim, layers, size), weights=dict.fromkeys(TOLD, 1.0)),
        data=use("data.streams", parts=streams(size)),
        optim=use(
            "optim.optimizer",
            rule=use("optim.adamw", b2=0.98, eps=1e-6, decay=0.05),
            schedule=use("optim.warmup_cosine", peak=1e-3, warmup=size.get("warmup", 100)),
            groups=(("^coder/", use("optim.group", frozen=True)), (".*", use("optim.group"))),
            clip=3.0,
        ),
        steps=size.get("steps", 2000),
        log=dict(every=50),
        checkpoint=dict(every=500, keep=1),
        init_from=size.get("start"),
        frozen_fresh=size.get("fresh", False),
    )


def beit3(dim, layers, size):
    """As configs/beit3_easy_vqa.py has it, with what tells codes of patches and words."""
    return use(
        "models.beit3",
        encoders={
            "image": use("encoders.patches", dim=dim, stem=use("nn.patch_embedding", size=PATCH, dim=dim)),
            "text": use("encoders.embedding", dim=dim, vocab=VOCAB, position=use("nn.table_position", length=LENGTH)),
        },
        interactions=(use("interaction.multiway", order=ORDER, layers=layers, heads=dim // HEAD, drop_path=0.1),),
        codes=size.get("codes", 512),
        vocab=VOCAB,
        coder=coder(*size.get("coder", (96, 2)), size.get("codes", 512)),
    )


def coder(dim, layers, codes):
    """The tokenizer of configs/beit3_tokenizer.py."""
    encoder = use(
        "encoders.vit",
        dim=dim,
        layers=layers,
        heads=dim // HEAD,
        hidden=4 * dim,
        stem=use("nn.patch_embedding", size=PATCH, dim=dim),
        position=use("nn.learned_position"),
    )
    decoder = use("nn.transformer", layers=1, heads=dim // HEAD)
    position = use("nn.table_position", length=GRID[0] * GRID[1])
    model = use("models.vqkd", encoder=encoder, decoder=decoder, position=position, patch=PATCH)
    return use("models.coder", model=model, codes=codes)


def streams(size):
    """Pictures alone, questions alone, and pictures with captions."""
    augment = use("data.augment", tint=0.0, ground=0)
    image = use("data.modality.picture", feature="image", size=SIDE, augment=augment)

    def text(feature):
        return use("data.modality.text", feature=feature, length=LENGTH, ends=True)

    def rows(name, **modalities):
        words = use("data.words", size=VOCAB, sentinels=1) if "text" in modalities else None
        return use(
            "data.rows",
            name=name,
            modalities=modalities,
            hide=use("data.hide", grid=GRID, least=4),
            tokenizer=words,
            test=size.get("test", "test"),
            batch=size.get("batch", 64),
        )

    return dict(
        pictures=rows("easyvqa_captions", image=image),
        texts=rows("easyvqa", text=text("question")),
        pairs=rows("easyvqa_captions", image=image, text=text("caption")),
    )
