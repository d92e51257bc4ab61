"""What a graphics card changes; none is needed: torch is asked, and told what to answer."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from sightglass.encoders import graphics_card, precision
from sightglass.encoders.graphics_card import choose_device, fingerprint_here, has_cuda
from sightglass.encoders.hub_network import PER_PASS_ON_DEVICE, row_by_row
from sightglass.encoders.precision import choose_precision


@pytest.fixture(autouse=True)
def asked_anew() -> Iterator[None]:
    has_cuda.cache_clear()
    yield
    has_cuda.cache_clear()


def machine(
    monkeypatch: pytest.MonkeyPatch, *, sign: Path, usable: bool, generation: int = 9
) -> None:
    """Linux with these signs of a driver, and a torch that says this of the card."""
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(graphics_card, "_SIGNS", (str(sign),))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: usable)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (generation, 0))


def test_without_a_driver_torch_is_not_even_loaded(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from sightglass.encoders import graphics_card\n"
        f"graphics_card._SIGNS = ({str(tmp_path / 'absent')!r},)\n"
        "sys.platform = 'linux'\n"
        "print(graphics_card.has_cuda(), 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


@pytest.mark.parametrize("usable", [True, False])
def test_where_there_is_a_driver_torch_decides(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, usable: bool
) -> None:
    machine(monkeypatch, sign=tmp_path, usable=usable)
    assert has_cuda() is usable
    assert (choose_device() == "cuda") is usable


@pytest.mark.parametrize(
    ("generation", "flags", "expected"),
    [(9, set(), "bf16"), (8, set(), "bf16"), (7, {"amx_bf16"}, "fp32")],
)
def test_the_card_decides_the_precision_where_there_is_one(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    generation: int,
    flags: set[str],
    expected: str,
) -> None:
    machine(monkeypatch, sign=tmp_path, usable=True, generation=generation)
    monkeypatch.setattr(precision, "processor_features", lambda: frozenset(flags))
    assert choose_precision() == expected


def test_rows_of_a_card_and_of_a_processor_have_different_fingerprints(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    machine(monkeypatch, sign=tmp_path / "absent", usable=True)
    assert fingerprint_here("0" * 32) == "0" * 32
    has_cuda.cache_clear()
    machine(monkeypatch, sign=tmp_path, usable=True)
    assert fingerprint_here("0" * 32) != "0" * 32
    assert fingerprint_here("0" * 32) != fingerprint_here("1" * 32)
    assert len(fingerprint_here("0" * 32)) == 32


@pytest.mark.parametrize(("size", "expected"), [(16, PER_PASS_ON_DEVICE), (1, 1)])
def test_a_pass_on_a_card_is_a_whole_batch_unless_one_is_asked_for(
    size: int, expected: int
) -> None:
    seen = []

    def network(x: torch.Tensor) -> torch.Tensor:
        seen.append(len(x))
        return torch.zeros(len(x), 2)

    # torch's device without numbers stands in for a card: only the sizes of passes are looked at.
    rows = row_by_row(network, size=size, device="meta")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(torch, "autocast", lambda *_, **__: torch.inference_mode())
        rows([{"x": torch.zeros(3).numpy()} for _ in range(2)])
    assert set(seen) == {expected}
