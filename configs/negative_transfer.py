"""Audio-visual digits of so few rows that both together do worse than the image alone (experiments/negative_transfer).

`base` fuses both, with heads beside that only watch what each alone would say; `image` and `sound` take one. The cures:
`heads` (encoders learn from each alone), `ogm_ge`, `blending`, `pcgrad`; `watch` is `heads` with norms and cosines of
gradients told. `mmjax data build av_digits` prepares the data.
"""

from mmjax.core.build import choose, experiment, use

RATE, LENGTH = 8000, 4000  # of the sound: samples a second, and in a row
ORDER = ("image", "sound")


def get_config(variant="base"):
    size = choose(
        variant,
        base=dict(),
        image=dict(order=("image",)),
        sound=dict(order=("sound",)),
        heads=dict(listened=True),
        watch=dict(listened=True, around=dict(use="tasks.watch", shared="^encoders_")),
        ogm_ge=dict(around=dict(use="tasks.ogm_ge")),
        blending=dict(listened=True, around=dict(use="tasks.gradient_blending")),
        pcgrad=dict(listened=True, around=dict(use="tasks.pcgrad", shared="^encoders_")),
        smoke=dict(dim=16, batch=8, steps=8, warmup=2, around=dict(use="tasks.ogm_ge", until=4)),
    )
    dim, order = size.get("dim", 64), size.get("order", ORDER)
    frames = use("encoders.speech_conv", dim=dim, layers=1, heads=4)
    encoders = {
        "image": use("encoders.conv_net", dim=dim, widths=(32, 64)),
        "sound": use("encoders.waveform", dim=dim, frames=frames, rate=RATE, size=256, hop=80, mels=40),
    }
    modalities = {
        "image": use("data.modality.picture", feature="image", size=8),
        "sound": use("data.modality.sound", feature="sound", length=LENGTH, rate=RATE),
    }
    task = use(
        "tasks.each",
        model=use(
            "models.beside",
            encoders={name: encoders[name] for name in order},
            trunks={name: use("nn.pool") for name in order},
            fusion=use("fusion.concat_features", order=order),
            head=use("heads.classify", classes=10),
            alone={name: use("heads.classify", classes=10) for name in order},
            listened=size.get("listened", False),
        ),
    )
    around = dict(size.get("around", {}))
    return experiment(
        task=use(around.pop("use"), task=task, **around) if around else task,
        data=use(
            "data.rows",
            name="av_digits",
            modalities={name: modalities[name] for name in order},
            label=use("data.label", feature="label"),
            train="train[:2%]",  # 115 pictures; of 10 % both together learn more than either
            batch=size.get("batch", 64),
        ),
        optim=use(
            "optim.optimizer",
            rule=use("optim.adamw", decay=0.05),
            schedule=use("optim.warmup_cosine", peak=1e-3, warmup=size.get("warmup", 20)),
            clip=1.0,
        ),
        steps=size.get("steps", 200),
        log=dict(every=10),
        evaluate=dict(every=50),
        checkpoint=dict(every=200, keep=1),
    )
