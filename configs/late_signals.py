"""With which of two lamps that flash did it beep, where all sound is up to half a second late or early?

A token sees its own frame and hears half a second before and after it. `base` brings the streams in step
(`interaction.aligned`) before it fuses them step by step; `plain` does not, `crossed` lets each attend to the other
first (`interaction.cross_attention`), `attended` has a transformer over the fused steps, and `in_time` has nothing to
bring in step. `mmjax data build late_signals` draws the data.
"""

from mmjax.core.build import choose, experiment, use

FRAMES, SIDE, SECONDS = 32, 24, 2.0
RATE, LENGTH = 4000, 8000  # of the sound: samples a second, and in a row
MOST = 0.5  # seconds
REACH = round(MOST * FRAMES / SECONDS)  # frames
ORDER = ("film", "sound")


def get_config(variant="base"):
    size = choose(
        variant,
        base=dict(),
        plain=dict(interactions=()),
        crossed=dict(interactions=(use("interaction.cross_attention", order=ORDER, layers=1, heads=4),)),
        attended=dict(interactions=(), trunk=use("nn.transformer", layers=2, heads=4)),
        in_time=dict(interactions=(), sound="in_time"),
        smoke=dict(dim=16, batch=8, steps=8, warmup=2),
    )
    dim = size.get("dim", 64)
    sizes = dict(dim=dim, heads=4)
    encoders = {
        "film": use("encoders.video_factorised", tubelet=(1, 8), layers=1, time_layers=0, **sizes),
        "sound": use(
            "encoders.waveform",
            dim=dim,
            frames=use("encoders.sensor", kernel=2 * REACH + 1, strides=(1,), layers=0, **sizes),
            rate=RATE,
            size=256,
            hop=LENGTH // FRAMES,
            mels=32,
        ),
    }
    aligned = (use("interaction.aligned", order=ORDER, most=REACH),)
    return experiment(
        task=use(
            "tasks.classify",
            model=use(
                "models.compose",
                encoders=encoders,
                interactions=size.get("interactions", aligned),
                fusion=use("fusion.low_rank", order=ORDER),
                trunk=size.get("trunk"),
                head=use("heads.classify", classes=2),
            ),
        ),
        data=use(
            "data.rows",
            name="late_signals",
            modalities={
                "film": use("data.modality.video", feature="film", frames=FRAMES, size=SIDE),
                "sound": use("data.modality.sound", feature=size.get("sound", "sound"), length=LENGTH, rate=RATE),
            },
            label=use("data.label", feature="label"),
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
