"""BEiT-3's tokenizer of pictures (VQ-KD): patches to codes by which their pixels, or what a teacher sees, can be told.

`base` tells easy-VQA's pictures by their pixels, which wants no teacher. `clip` tells what the tower of pictures of
configs/clip.py sees, whose run lies under `runs/clip`. `published` is as BEiT v2 has it for ImageNet, with the ViT of a
run under `runs/teacher` as its teacher (`mmjax import vit`). `mmjax data build easyvqa_captions` prepares the data.
"""

from mmjax.core.build import choose, experiment, use

# Of the tower of CLIP all but its map into the common space, and nothing else of that run.
TOWER = (("^teacher/", "encoders_image/"), (".*", None))
SIZES = (("side", 48), ("patch", 8), ("dim", 96), ("head", 16))
TEACHER = (("^teacher/", "image/"), (".*", None))


def get_config(variant="base"):
    size = choose(
        variant,
        base=dict(told=pixels),
        clip=dict(told=tower, side=96, patch=16, start=dict(workdir="runs/clip", rules=TOWER, same_words=False)),
        published=PUBLISHED,
        smoke=dict(told=pixels, codes=8, dim=32, batch=4, steps=8, warmup=2, test="test[:2%]"),
    )
    side, patch, dim, head = (size.get(name, own) for name, own in SIZES)
    told = size["told"](patch)
    augment = use("data.augment", tint=0.0, ground=0)  # other shades would be codes that no picture has
    frozen = (("^teacher/", use("optim.group", frozen=True)),) if "teacher" in told else ()
    return experiment(
        task=use(
            "tasks.vqkd",
            model=use(
                "models.vqkd",
                encoder=vit(dim, size.get("layers", 2), head, use("nn.patch_embedding", size=patch, dim=dim)),
                decoder=use("nn.transformer", layers=size.get("decoder", 1), heads=dim // head),
                position=use("nn.table_position", length=(side // patch) ** 2),
                **told,
            ),
            quantizer=use("nn.quantizer", codes=size.get("codes", 512), revive=size.get("revive", 0.1)),
        ),
        data=use(
            "data.rows",
            name=size.get("name", "easyvqa_captions"),
            modalities={"image": use("data.modality.picture", feature="image", size=side, augment=augment)},
            test=size.get("test", "test"),
            batch=size.get("batch", 64),
        ),
        optim=use(
            "optim.optimizer",
            rule=use("optim.adamw", b2=0.99, decay=size.get("decay", 0.05)),
            schedule=use("optim.warmup_cosine", peak=size.get("peak", 1e-3), warmup=size.get("warmup", 50)),
            groups=(*frozen, (".*", use("optim.group"))),
            clip=size.get("clip", 1.0),
        ),
        steps=size.get("steps", 800),
        log=dict(every=20),
        checkpoint=dict(every=min(size.get("steps", 800), 2_000), keep=1),
        init_from=size.get("start"),
    )


def pixels(patch):
    """A patch of codes is told as its pixels."""
    return dict(patch=patch)


def tower(patch):
    """What configs/clip.py has for pictures, whose grid is that of a patch of 16."""
    stem = use("nn.conv_stem", widths=(16, 32, 64, 96), dim=96)
    return dict(teacher=vit(96, 1, 16, stem, hidden=192))


def published(patch):
    """A ViT-B/16 of any training, such as DINO's."""
    return dict(teacher=vit(768, 12, 64, use("nn.patch_embedding", size=patch, dim=768)))


def vit(dim, layers, head, stem, hidden=None):
    return use(
        "encoders.vit",
        dim=dim,
        layers=layers,
        heads=dim // head,
        hidden=hidden or 4 * dim,
        stem=stem,
        position=use("nn.learned_position"),
    )


PUBLISHED = dict(
    told=published,
    start=dict(workdir="runs/teacher", rules=TEACHER, same_words=False),
    name="imagenet2012",
    test="validation",
    side=224,
    patch=16,
    dim=768,
    head=64,
    layers=12,
    decoder=3,
    codes=8192,
    revive=0.0,
    batch=512,
    steps=100 * 1_281_167 // 512,
    warmup=10 * 1_281_167 // 512,
    peak=2e-4,
    decay=1e-4,
)
