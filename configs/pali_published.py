"""PaLI and PaliGemma in their published sizes, to pretrain on data of one's own (arXiv 2209.06794, 2407.07726).

`base` is `3b` (ViT-G and mT5-L); `15b` takes mT5-XXL, `17b` ViT-e with it; `paligemma_3b` is So400m and Gemma-2B. The
`smoke` variants are the same with everything small, on easy-VQA, and run in seconds. Data is `mmjax data build`'s: give
its name by --config.data.name, and the tokenizer that mT5 or Gemma were published with by --config.data.tokenizer.path.
"""

from mmjax.core.build import choose, experiment, use

VIT_G = dict(dim=1664, layers=48, heads=16, hidden=8192)
VIT_E = dict(dim=1792, layers=56, heads=16, hidden=15360)
SO400M = dict(dim=1152, layers=27, heads=16, hidden=4304)
MT5_L = dict(layers=24, heads=16, head_dim=64, hidden=2816)
MT5_XXL = dict(layers=24, heads=64, head_dim=64, hidden=10240)
GEMMA_2B = dict(layers=18, heads=8, head_dim=256, hidden=16384)
SMALL = dict(layers=2, heads=2, head_dim=16, hidden=64)

# One pass over 1.6 billion examples. The parameters of 3B fit one axis; what is larger is split within layers too. A
# side of 1,664 or 1,152 is split by 16 but not by 256, so devices beyond that share the batch alone.
SHARED = {"data": -1, "fsdp": 16}
PALI = dict(image=VIT_G, vocab=250_112, batch=4096, steps=390_000, warmup=1_000, axes=SHARED, smoke=False)
WIDE = dict(dim=4096, text=MT5_XXL, peak=5e-3, axes={"data": -1, "fsdp": 16, "tensor": 4})
TINY = dict(image=dict(dim=32, layers=2, heads=2, hidden=64), dim=32, text=SMALL, vocab=66, batch=4, steps=8, warmup=2)
TINY |= dict(axes={"fsdp": -1})


def get_config(variant="base"):
    pali_3b = PALI | dict(dim=1024, text=MT5_L, peak=1e-2)
    # One billion examples. The paper tells neither batch nor rate nor how slow the warm-up is: these are ours.
    gemma = PALI | dict(image=SO400M, dim=2048, text=GEMMA_2B, vocab=257_152, peak=1e-5, steps=244_000, slow=24_000)
    gemma |= dict(bos=2, separator=108)  # <bos> and a line feed
    sizes = {
        "base": pali_3b,
        "3b": pali_3b,
        "15b": PALI | WIDE,
        "17b": PALI | WIDE | dict(image=VIT_E),
        "paligemma_3b": gemma,
        "smoke": pali_3b | TINY | dict(smoke=True),
        "paligemma_smoke": gemma | TINY | dict(bos=64, separator=65, slow=2, smoke=True),
    }
    size = choose(variant, **sizes)
    family = paligemma if "slow" in size else pali
    model, optim, rules = family(size)
    # Logits of so many target tokens at a time: of all of them they would be larger than the model. Fewer than
    # its width cost time.
    lengths = dict(length=2, chunk=8) if size["smoke"] else dict(length=64, chunk=max(2048, size["dim"]))
    return experiment(
        task=use("tasks.generate", model=model, z_loss=1e-4, compute="bfloat16", **lengths),
        data=small_data(size) if size["smoke"] else data(size),
        optim=optim,
        partition=use("train.mesh", axes=size["axes"], rules=rules),
        steps=size["steps"],
        frozen_fresh=size["smoke"],  # a frozen tower is a trained one: init_from takes it
        log=dict(every=4 if size["smoke"] else 100),
        checkpoint=dict(every=4 if size["smoke"] else 5_000, keep=2),
    )


def pali(size):
    """Picture tokens and text into mT5's encoder. The ViT, pretrained on labels, stays as it is (stage 1)."""
    model = use(
        "models.pali",
        vocab=size["vocab"],
        dim=size["dim"],
        image=vit(size),
        encoder=use("nn.t5_encoder", **size["text"], scan=True),
        decoder=use("decode.t5_decoder", **size["text"], scan=True),
    )
    optim = use(
        "optim.optimizer",
        rule=use("optim.adafactor"),
        schedule=use("optim.warmup_rsqrt", peak=size["peak"], warmup=size["warmup"]),
        groups=(("^image/", use("optim.group", frozen=True)), (".*", use("optim.group"))),
    )
    return model, optim, (("^head$", ("fsdp", "tensor")), *SPLIT)


def paligemma(size):
    """Picture tokens before the text of Gemma. Nothing is frozen; the ViT's rate rises slowly."""
    model = use(
        "models.paligemma",
        vocab=size["vocab"],
        dim=size["dim"],
        image=vit(size),
        decoder=use("decode.gemma_decoder", **size["text"], scan=True),
        bos=size["bos"],
        separator=size["separator"],
    )
    optim = use(
        "optim.optimizer",
        rule=use("optim.adamw"),
        schedule=use("optim.warmup_rsqrt", peak=size["peak"], warmup=size["warmup"]),
        groups=(("^image/", use("optim.group", warmup=size["slow"])), (".*", use("optim.group"))),
        clip=1.0,
    )
    # All heads share one key and one value, which are not split.
    return model, optim, (("^decoder/.*(key|value)/kernel$", ("fsdp", None)), *SPLIT)


# Matrices are split over both axes: those into heads and hidden units by their outputs, those back by their inputs.
SPLIT = (
    ("(query|key|value|gate|up)/kernel$", ("fsdp", "tensor")),
    ("(out|down)/kernel$", ("tensor", "fsdp")),
    ("^embed/embedding$", ("tensor", "fsdp")),
    (".*", "fsdp"),
)


def vit(size):
    patch = 16 if size["smoke"] else 14
    stem = use("nn.patch_embedding", size=patch, dim=size["image"]["dim"])
    return use("encoders.vit", **size["image"], stem=stem, position=use("nn.learned_position"), scan=True)


def data(size):
    """256 picture tokens; lengths of text as in PaliGemma's stage 1, 128 in all for text and target."""
    return use(
        "data.pictures",
        name="own",
        tokenizer=use("data.sentence_piece", path="spiece.model", size=size["vocab"]),
        size=224,
        batch=size["batch"],
        questions=1,
        text_length=64,
        target_length=64,
    )


def small_data(size):
    lengths = dict(size=64, batch=size["batch"], questions=4, text_length=10, target_length=2)
    return use("data.pictures", name="easyvqa", test="test[:1%]", tokenizer=use("data.words", size=64), **lengths)
