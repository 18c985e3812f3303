"""Two views of a thing in one space, by any loss that ties rows together; what belongs together is found near.

`base` takes two of the six views of a handwritten digit, `av_digits` a picture and a spoken digit in noise; rows of
one digit belong together. Another loss: --config.task.loss_of.use=losses.NAME, with the heads and scales that it wants,
as in experiments/joint_representations. `mmjax data build mfeat` and `mmjax data build av_digits` prepare the data.
"""

from mmjax.core.build import choose, experiment, use

RATE, LENGTH = 8000, 4000  # of the sound: samples a second, and in a row


def get_config(variant="base"):
    size = choose(
        variant,
        base=dict(pair=mfeat),
        av_digits=dict(pair=av_digits),
        smoke=dict(pair=mfeat, dim=16, batch=8, steps=8, warmup=2),
    )
    dim, batch = size.get("dim", 64), size.get("batch", 256)
    encoders, data = size["pair"](dim)
    order = tuple(encoders)
    return experiment(
        task=use(
            "tasks.contrast",
            model=use(
                "models.two_towers",
                order=order,
                encoders=encoders,
                heads={name: use("heads.embed", features=16) for name in order},
            ),
            loss_of=use("losses.multi_similarity"),
            together="label",
        ),
        data=use("data.rows", label=use("data.label", feature="label"), batch=batch, **data),
        optim=use(
            "optim.optimizer",
            rule=use("optim.adamw", decay=0.05),
            schedule=use("optim.warmup_cosine", peak=1e-3, warmup=size.get("warmup", 20)),
            clip=1.0,
        ),
        steps=size.get("steps", 200),
        log=dict(every=20),
        checkpoint=dict(every=200, keep=1),
    )


def mfeat(dim):
    """Fourier coefficients of the shapes, and averages of pixels."""
    widths = {"fou": 76, "pix": 240}
    encoders = {name: use("encoders.vector", dim=dim, hidden=2 * dim, dropout=0.1) for name in widths}
    modalities = {name: use("data.modality.vector", feature=name, width=width) for name, width in widths.items()}
    return encoders, dict(name="mfeat", modalities=modalities)


def av_digits(dim):
    frames = use("encoders.speech_conv", dim=dim, layers=1, heads=4)
    encoders = {
        "image": use("encoders.conv_net", dim=dim, widths=(32, 64)),
        "sound": use("encoders.waveform", dim=dim, frames=frames, rate=RATE, size=256, hop=80, mels=40),
    }
    modalities = {
        "image": use("data.modality.picture", feature="image", size=8),
        "sound": use("data.modality.sound", feature="sound", length=LENGTH, rate=RATE),
    }
    return encoders, dict(name="av_digits", modalities=modalities)
