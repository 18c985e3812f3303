"""CLIP: pictures and texts in one space, by choosing the own counterpart among all of a batch.

`base` learns easy-VQA's pictures with captions of 24 concepts, `emoji` the same concept as two hands draw it, and is
tested on concepts never seen. `mmjax data build easyvqa_captions` and `mmjax data build emoji_pairs` prepare the data.
Classes by prompts: mmjax evaluate --workdir=RUN --prompt="{}".
"""

from mmjax.core.build import choose, experiment, use

VOCAB, LENGTH = 64, 6


def get_config(variant="base"):
    size = choose(
        variant,
        base=dict(pair=captions),
        emoji=dict(pair=styles, steps=400),
        smoke=dict(pair=captions, dim=16, widths=(8, 16, 16), batch=8, steps=8, warmup=2, test="test[:5%]"),
    )
    dim = size.get("dim", 96)
    encoders, data = size["pair"](dim, size.get("widths", (16, 32, 64, 96)))
    order = tuple(encoders)
    return experiment(
        task=use(
            "tasks.contrast",
            model=use(
                "models.two_towers",
                order=order,
                encoders=encoders,
                heads={name: use("heads.embed", features=dim) for name in order},
                scale=1 / 0.07,
            ),
            loss_of=use("losses.clip"),
            together="label" if "label" in data else "row",
        ),
        data=use("data.rows", test=size.get("test", "test"), batch=size.get("batch", 128), **data),
        optim=use(
            "optim.optimizer",
            rule=use("optim.adamw", b2=0.98, decay=0.05),
            schedule=use("optim.warmup_cosine", peak=1e-3, warmup=size.get("warmup", 50)),
            clip=1.0,
            average=use("optim.average", decay=0.99),
        ),
        steps=size.get("steps", 200),
        log=dict(every=20),
        checkpoint=dict(every=200, keep=1),
    )


def captions(dim, widths):
    """A picture and its caption; pictures of one caption belong together."""
    text = use("encoders.text_transformer", dim=dim, vocab=VOCAB, layers=1, heads=dim // 16, hidden=2 * dim)
    modalities = {
        "image": use("data.modality.picture", feature="image", size=48, augment=use("data.augment")),
        "text": use("data.modality.text", feature="caption", length=LENGTH),
    }
    label = use("data.label", feature="caption")
    tokenizer = use("data.words", size=VOCAB)
    data = dict(name="easyvqa_captions", modalities=modalities, label=label, tokenizer=tokenizer)
    return {"image": picture(dim, widths), "text": text}, data


def styles(dim, widths):
    """A concept as two hands draw it; arrows and hands of other sides are other emoji."""
    augment = use("data.augment", flip=0.0)
    names = ("google", "twitter")
    modalities = {name: use("data.modality.picture", feature=name, size=48, augment=augment) for name in names}
    return {name: picture(dim, widths) for name in names}, dict(name="emoji_pairs", modalities=modalities)


def picture(dim, widths):
    return use(
        "encoders.vit",
        dim=dim,
        layers=1,
        heads=dim // 16,
        hidden=2 * dim,
        stem=use("nn.conv_stem", widths=widths, dim=dim),
        position=use("nn.learned_position"),
    )
