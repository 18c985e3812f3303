"""Packaging of mmjax: what it needs and what a wheel holds; pyproject.toml configures the tools."""

import re
from pathlib import Path

from setuptools import find_packages, setup

VERSION = re.search(r'__version__ = "(.+)"', (Path(__file__).parent / "mmjax/__init__.py").read_text())[1]

# The lowest releases that work together: `make test-lower` installs exactly these and runs the tests.
REQUIRES = [
    "jax>=0.10.0",
    "jaxlib>=0.10.0",
    "flax>=0.12.7",
    "optax>=0.2.8",
    "orbax-checkpoint>=0.12.0",
    "tensorflow-datasets>=4.9.10",  # 4.9.9 cannot read what it wrote with protobuf 7
    "ml_collections>=1.1.0",
    "einops>=0.8.0",
    "grain>=0.2.16",
    "numpy>=2.0.0",
    "ml_dtypes>=0.5.0",
    "pillow>=11.0.0",
    "opencv-python-headless>=4.11.0",
    "tokenizers>=0.21.0",
    "sentencepiece>=0.2.0",
    "rich>=13.7.0",
    "absl-py>=2.1.0",
    "tensorboardX>=2.6.2",
    "importlib_resources>=6.4.0",  # tensorflow-datasets imports it without asking for it
    "jinja2>=3.1.0",
    "matplotlib>=3.9.0",
    "typeguard>=4.4.0",  # 4.3 does not see that a Mesh is a Partition
]
DATA = ["easy-vqa>=1.0", "scikit-learn>=1.5.0", "captcha>=0.6.0", "soxr>=0.5.0"]
MEDIA = ["soundfile>=0.13.0", "soxr>=0.5.0", "av>=14.0.0", "h5py>=3.12.0"]
BENCH = ["adjustText>=1.3.0", *DATA]
DEV = ["pytest>=8.3.0", "pytest-xdist>=3.6.1", "ruff>=0.17.0,<0.18", *BENCH, *MEDIA]  # a new ruff may format otherwise

setup(
    name="mmjax",
    version=VERSION,
    description="Multimodal pretraining and finetuning in JAX and Flax",
    license="Apache-2.0",
    packages=find_packages(include=["mmjax", "mmjax.*"]),
    package_data={"": ["*.j2"]},
    python_requires=">=3.11",
    install_requires=REQUIRES,
    extras_require={
        "data": DATA,
        "media": MEDIA,
        "cuda": ["jax[cuda12]"],
        "cuda13": ["jax[cuda13]"],
        "tpu": ["jax[tpu]"],
        "bench": BENCH,
        "dev": DEV,
    },
    entry_points={"console_scripts": ["mmjax = mmjax.__main__:main"]},
)
