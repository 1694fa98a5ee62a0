"""Build the kernels for this processor, once, and load them.

The library lies in the user's cache, named by the hash of its source, the compiler and the processor, so that a home
shared by unlike machines keeps one for each. Where there is no compiler there is no library, and everything goes
through PyTorch: slower, with the same results. `TUNESMITH_NATIVE=0` switches it off.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from tunesmith.core.cache import cache_folder
from tunesmith.core.processor import features

FOLDER = Path(__file__).parent
SOURCES = tuple(FOLDER / f"{name}.cpp" for name in ("decode", "elementwise", "attention", "softmax", "gradients"))
HEADERS = tuple(sorted(FOLDER.glob("*.h")))
FLAGS = ("-O3", "-march=native", "-std=c++17", "-fopenmp", "-fPIC", "-shared")
BUILD_LIMIT_S = 120
SIGNATURES = {
    "read": "ppn",
    "choose": "ppn",
    "write": "ppppn",
    "pack": "pnnnpnnnn",
    "norm": "pppnnfnpppn",
    "norm_backward": "pppppnnnpppn",
    "add": "ppnnpn",
    "rotary": "pppnnnfnpn",
    "swiglu": "ppnnpn",
    "swiglu_backward": "pppnnppn",
    "softmax_rows": "pppnnnfpppn",
    "attention": "pppppnnnnnfnppn",
    "attention_backward": "ppppppppnnnnnfnpppn",
    "weight_gradients": "ppnpnnpnn",
}


class Native(NamedTuple):
    """The library, or why there is none."""

    library: ctypes.CDLL | None
    why: str


@functools.cache
def native() -> Native:
    """Return the loaded library, built first if need be (a few seconds)."""
    if os.environ.get("TUNESMITH_NATIVE", "1") == "0":
        return Native(None, "switched off by TUNESMITH_NATIVE=0")
    compiler = shutil.which(os.environ.get("CXX", "c++")) or shutil.which("g++")
    if compiler is None:
        return Native(None, "there is no C++ compiler")
    try:
        path = cache_folder("native") / f"kernels-{_key(compiler)}.so"
        if not path.exists():
            _build(compiler, path)
        return Native(_declared(ctypes.CDLL(str(path))), str(path))
    except subprocess.CalledProcessError as error:
        return Native(None, f"{compiler} failed: {(error.stderr or 'no message').strip().splitlines()[0]}")
    except (OSError, subprocess.TimeoutExpired) as error:
        return Native(None, str(error))


def call(name: str, *arguments: Tensor | float | None) -> None:
    """Call a kernel with addresses for tensors, which must be contiguous, and the number of threads at the end."""
    library = native().library
    assert library is not None
    plain = (a.data_ptr() if isinstance(a, Tensor) else a for a in arguments)
    getattr(library, f"tunesmith_{name}")(*plain, torch.get_num_threads())


def _key(compiler: str) -> str:
    """Name what the build depends on."""
    version = subprocess.run([compiler, "--version"], capture_output=True, text=True, check=True, timeout=30).stdout
    texts = [path.read_text(encoding="utf-8") for path in (*SOURCES, *HEADERS)]
    parts = (*texts, " ".join(FLAGS), version, platform.machine(), _processor())
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _processor() -> str:
    """Return what the processor can do; elsewhere than on Linux its name must do."""
    return features() or platform.processor()


def _build(compiler: str, path: Path) -> None:
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        made = Path(folder) / path.name
        command = [compiler, *FLAGS, "-o", str(made), *map(str, SOURCES)]
        subprocess.run(command, capture_output=True, text=True, check=True, timeout=BUILD_LIMIT_S)
        made.replace(path)  # whole or not at all, whoever else builds it now


def _declared(library: ctypes.CDLL) -> ctypes.CDLL:
    """Say what the functions take: `p` an address, `n` a whole number, `f` a float."""
    kinds = {"p": ctypes.c_void_p, "n": ctypes.c_int64, "f": ctypes.c_float}
    library.tunesmith_lanes.restype = library.tunesmith_tiles.restype = ctypes.c_int64
    for name, takes in SIGNATURES.items():
        function = getattr(library, f"tunesmith_{name}")
        function.restype = None
        function.argtypes = [kinds[letter] for letter in takes]
    return library
