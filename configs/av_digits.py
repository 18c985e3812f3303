"""Audio-visual digits: pictures and spoken digits in noise, together and each alone.

`base` fuses both, `image` and `sound` take one of them. `mmjax data build av_digits` prepares the data.
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
        smoke=dict(dim=16, batch=8, steps=8, warmup=2, smoothing=0.0, dropout=0.0),
    )
    dim, dropout, order = size.get("dim", 64), size.get("dropout", 0.1), size.get("order", ORDER)
    frames = use("encoders.speech_conv", dim=dim, layers=1, heads=4, dropout=dropout)
    encoders = {
        "image": use("encoders.conv_net", dim=dim, widths=(32, 64)),
        "sound": use("encoders.waveform", dim=dim, frames=frames, rate=RATE, size=256, hop=80, mels=40),
    }
    modalities = {
        "image": use("data.modality.picture", feature="image", size=8),
        "sound": use("data.modality.sound", feature="sound", length=LENGTH, rate=RATE),
    }
    return experiment(
        task=use(
            "tasks.classify",
            model=use(
                "models.compose",
                encoders={name: encoders[name] for name in order},
                fusion=use("fusion.concat", order=order),
                trunk=use("nn.transformer", layers=1, heads=4, dropout=dropout),
                head=use("heads.classify", classes=10),
            ),
            smoothing=size.get("smoothing", 0.1),
        ),
        data=use(
            "data.rows",
            name="av_digits",
            modalities={name: modalities[name] for name in order},
            label=use("data.label", feature="label"),
            batch=size.get("batch", 64),
        ),
        optim=use(
            "optim.optimizer",
            rule=use("optim.adamw", decay=0.05),
            schedule=use("optim.warmup_cosine", peak=1e-3, warmup=size.get("warmup", 50)),
            clip=1.0,
            average=use("optim.average", decay=0.99),
        ),
        steps=size.get("steps", 1000),
        log=dict(every=50),
        checkpoint=dict(every=500, keep=1),
    )
