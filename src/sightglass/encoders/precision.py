"""Which number format this processor computes fastest in."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

from sightglass.encoders.card import Precision
from sightglass.encoders.graphics_card import card_has_bf16, has_cuda
from sightglass.errors import unknown_name

_BF16_INSTRUCTIONS = frozenset({"amx_bf16", "avx512_bf16"})
_CPUINFO = Path("/proc/cpuinfo")


def processor_features(cpuinfo: Path = _CPUINFO) -> frozenset[str]:
    """Names of the processor's instruction sets as Linux spells them, e.g. ``"avx512_bf16"``.

    Empty where the system does not tell: not Linux, or no right to read the file.
    """
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return frozenset()
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip() in ("flags", "Features"):
            return frozenset(value.split())
    return frozenset()


def choose_precision(requested: Literal["auto"] | Precision = "auto") -> Precision:
    """``requested``; for ``"auto"``, bf16 where what hub models run on computes in it, else fp32.

    That is the graphics card where torch can use one, else the processor.

    An explicit precision is taken as it is, however slow it may be here.

    Raises:
        UnknownNameError: If ``requested`` is no precision.
    """
    if requested == "auto":
        has_bf16 = card_has_bf16() if has_cuda() else processor_features() & _BF16_INSTRUCTIONS
        return "bf16" if has_bf16 else "fp32"
    if requested not in get_args(Precision):
        raise unknown_name("precision", requested, ["auto", *get_args(Precision)])
    return requested
