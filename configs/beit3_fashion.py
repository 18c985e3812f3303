"""Fashion-MNIST by BEiT-3: which of ten kinds of clothes a picture shows, from scratch.

`base` has the head of the released finetuning on ImageNet, the mean of patches through a norm. `mixed` is the same with
mixup and CutMix, which want more steps. `names` is the paper's form: pictures find the name of their class among texts,
by two towers of the same layers; `mmjax evaluate --workdir=RUN --prompt="{}"` tells its accuracy. Tokens come of
convolutions, for which few pictures are enough.

`mmjax data build fashion --source=FOLDER` prepares the data of Debian's package dataset-fashion-mnist:
`apt-get download dataset-fashion-mnist && dpkg -x dataset-fashion-mnist_*.deb FOLDER`.
"""

from mmjax.core.build import choose, experiment, use

SIDE, CLASSES, VOCAB, LENGTH = 28, 10, 64, 8
BATCH = 128
EPOCH = 60_000 // BATCH


def get_config(variant="base"):
    size = choose(
        variant,
        base=dict(make=told),
        mixed=dict(make=told, mix=use("tasks.mix", mixup=0.2, cutmix=1.0), epochs=40),
        names=dict(make=named),
        smoke=dict(SMALL, make=told, mix=use("tasks.mix")),
        smoke_names=dict(SMALL, make=named),
    )
    task, modalities, more = size["make"](size)
    augment = use("data.augment", scale=(0.95, 1.05), shift=0.07, tint=0.0, ground=0)
    image = use("data.modality.picture", feature="image", size=SIDE, augment=augment)
    return experiment(
        task=task,
        data=use(
            "data.rows",
            name="fashion",
            modalities={"image": image, **modalities},
            batch=size.get("batch", BATCH),
            **more,
        ),
        optim=use(
            "optim.optimizer",
            rule=use("optim.adamw", b2=0.98, decay=0.05),
            schedule=use("optim.warmup_cosine", peak=2e-3, warmup=size.get("warmup", 200)),
            clip=1.0,
            average=use("optim.average", decay=0.995),
        ),
        steps=size.get("steps", size.get("epochs", 10) * EPOCH),
        log=dict(every=size.get("log", 50)),
        checkpoint=dict(every=size.get("steps", 2 * EPOCH), keep=1),
    )


SMALL = dict(dim=32, widths=(8, 16, 16), layers=1, heads=2, batch=8, steps=8, warmup=2, log=2)


def told(size):
    """A head over the mean of the patches."""
    model = use(
        "models.compose",
        encoders={"image": patches(size)},
        interactions=(multiway(size, ("image",), end_norm=False),),
        fusion=use("fusion.concat", order=("image",)),
        trunk=use("nn.patch_pooler"),
        head=use("heads.classify", classes=CLASSES),
    )
    return use("tasks.classify", model=model, mix=size.get("mix")), {}, dict(label=use("data.label", feature="label"))


def named(size):
    """Two towers, of pictures and of the names of their classes."""
    order, dim = ("image", "text"), size.get("dim", 96)
    text = use("encoders.embedding", dim=dim, vocab=VOCAB, position=use("nn.table_position", length=LENGTH))
    model = use(
        "models.two_towers",
        order=order,
        encoders={"image": patches(size), "text": text},
        interactions=(multiway(size, order),),
        heads={name: use("heads.embed", features=dim, pool=use("nn.first_token")) for name in order},
        scale=1 / 0.07,
    )
    task = use("tasks.contrast", model=model, loss_of=use("losses.clip"), together="label")
    names = {"text": use("data.modality.text", feature="name", length=LENGTH, ends=True)}
    more = dict(label=use("data.label", feature="name"), tokenizer=use("data.words", size=VOCAB))
    return task, names, more


def patches(size):
    dim = size.get("dim", 96)
    stem = use("nn.conv_stem", widths=size.get("widths", (32, 64, 96)), dim=dim, pool=False)
    return use("encoders.patches", dim=dim, stem=stem)


def multiway(size, order, **changes):
    sizes = dict(layers=size.get("layers", 2), heads=size.get("heads", 3), hidden=2 * size.get("dim", 96))
    return use("interaction.multiway", order=order, **sizes, **changes)
