"""How late the sound of a film is, learned from films whose offset is known: attention over lags between the streams.

`base` tells offsets up to half a second; "within" is the share that is right to a frame, a sixteenth of a second: all
of 500 test films, with a median error of 5 ms (seed 0). `mmjax data build late_bounces` draws the data.
"""

from mmjax.core.build import choose, experiment, use

FRAMES, SIDE, SECONDS = 32, 24, 2.0
RATE, LENGTH = 4000, 8000  # of the sound: samples a second, and in a row
MOST = 0.5  # seconds


def get_config(variant="base"):
    size = choose(variant, base=dict(), smoke=dict(dim=16, batch=8, steps=8, warmup=2))
    dim, order = size.get("dim", 64), ("film", "sound")
    sizes = dict(dim=dim, layers=1, heads=4)
    encoders = {
        "film": use("encoders.video_factorised", tubelet=(1, 8), time_layers=1, **sizes),
        "sound": use(
            "encoders.waveform",
            dim=dim,
            frames=use("encoders.sensor", strides=(1, 1), **sizes),
            rate=RATE,
            size=256,
            hop=LENGTH // FRAMES,
            mels=32,
        ),
    }
    return experiment(
        task=use(
            "tasks.regress",
            model=use("models.lateness", order=order, encoders=encoders, rate=FRAMES / SECONDS, most=MOST),
            loss_of=use("losses.absolute_error"),
            measure=use("metrics.within", tolerance=SECONDS / FRAMES),
        ),
        data=use(
            "data.rows",
            name="late_bounces",
            modalities={
                "film": use("data.modality.video", feature="film", frames=FRAMES, size=SIDE),
                "sound": use("data.modality.sound", feature="sound", length=LENGTH, rate=RATE),
            },
            target=use("data.target", feature="offset"),
            batch=size.get("batch", 32),
        ),
        optim=use(
            "optim.optimizer",
            rule=use("optim.adamw", decay=0.05),
            schedule=use("optim.warmup_cosine", peak=1e-3, warmup=size.get("warmup", 50)),
            clip=1.0,
            average=use("optim.average", decay=0.99),
        ),
        steps=size.get("steps", 800),
        log=dict(every=50),
        checkpoint=dict(every=400, keep=1),
    )
