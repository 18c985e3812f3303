"""Makes arrays.pth, legacy.pth and arrays.safetensors: the same arrays in the formats of PyTorch and safetensors.

python tests/goldens/files.py     (torch 2.14, safetensors 0.8)
"""

from collections import OrderedDict
from pathlib import Path

import torch
from safetensors.torch import save_file

FOLDER = Path(__file__).parent

if __name__ == "__main__":
    whole = torch.arange(24, dtype=torch.float32).reshape(4, 6) / 7
    arrays = OrderedDict(
        weight=torch.nn.Parameter(whole),
        view=whole[1:3, ::2],  # shares the storage, and steps over it
        turned=whole.T,
        half=whole[0].to(torch.float16),
        brain=whole[1].to(torch.bfloat16),
        whole=torch.arange(-3, 3),
        yes=torch.tensor([True, False]),
        one=torch.tensor(2.5, dtype=torch.float64),
    )
    torch.save({"model": arrays, "epoch": 3}, FOLDER / "arrays.pth")
    torch.save(arrays, FOLDER / "legacy.pth", _use_new_zipfile_serialization=False)
    apart = {name: tensor.detach().clone().contiguous() for name, tensor in arrays.items()}
    save_file(apart, FOLDER / "arrays.safetensors")
