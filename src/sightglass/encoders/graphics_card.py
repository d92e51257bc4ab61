"""Whether torch can use a graphics card, found out without loading torch where there is none."""

from __future__ import annotations

import functools
import hashlib
import sys
from pathlib import Path

# What the drivers of NVIDIA, of AMD and of Linux within Windows put there.
_SIGNS = ("/proc/driver/nvidia/version", "/dev/nvidiactl", "/dev/kfd", "/dev/dxg")
_BF16_SINCE = 8  # NVIDIA's generation Ampere; AMD's cards that torch runs on all count as 9 or more


def choose_device() -> str:
    """``"cuda"`` or ``"mps"`` where torch can use one, else ``"cpu"``."""
    if has_cuda():
        return "cuda"
    import torch

    return "mps" if torch.backends.mps.is_available() else "cpu"


@functools.cache
def has_cuda() -> bool:
    """Whether hub models will run on a graphics card. Loads torch only where one may be."""
    if sys.platform == "linux" and not any(Path(sign).exists() for sign in _SIGNS):
        return False
    if sys.platform == "darwin":
        return False
    try:
        import torch
    except ImportError:
        return False
    return bool(torch.cuda.is_available())


def fingerprint_here(fingerprint: str) -> str:
    """``fingerprint``; on a graphics card another, since rows differ from a processor's by a bit.

    Args:
        fingerprint: Hex digest of all that decides rows but for where they are computed.
    """
    if not has_cuda():
        return fingerprint
    return hashlib.sha256(f"{fingerprint} on a graphics card".encode()).hexdigest()[:32]


def card_has_bf16() -> bool:
    """Whether that card computes in bf16 by itself; there must be one."""
    import torch

    return bool(torch.cuda.get_device_capability()[0] >= _BF16_SINCE)
