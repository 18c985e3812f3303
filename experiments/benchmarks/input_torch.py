"""PyTorch's input: the same files through torchvision's transforms and a DataLoader with a worker a core."""

import itertools
import os

import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from experiments.benchmarks import photos


class Photos(Dataset):
    def __init__(self):
        self.folder = photos.folder()
        self.change = v2.Compose(
            [
                v2.PILToTensor(),
                v2.Resize((photos.SMALL, photos.SMALL), v2.InterpolationMode.BILINEAR, antialias=True),
                v2.RandomHorizontalFlip(),
                v2.ToDtype(torch.float32, scale=True),
                v2.Normalize([0.5] * 3, [0.5] * 3),
            ]
        )

    def __len__(self):
        return photos.COUNT - 1

    def __getitem__(self, number):
        return self.change(Image.open(self.folder / f"{number}.jpg").convert("RGB"))


def stream():
    """Some batches of a DataLoader."""
    workers = int(os.environ["OMP_NUM_THREADS"])
    options = dict(num_workers=workers, shuffle=True, drop_last=True, persistent_workers=True, prefetch_factor=4)
    loader = DataLoader(Photos(), photos.BATCH, **options)
    batches = itertools.chain.from_iterable(itertools.repeat(loader))

    def run():
        for _ in range(photos.LOOK):
            next(batches)

    return run, lambda: {"pictures": photos.LOOK * photos.BATCH, "version": torch.__version__}
