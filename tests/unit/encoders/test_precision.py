from __future__ import annotations

from pathlib import Path

import pytest

from sightglass.encoders import precision
from sightglass.encoders.precision import choose_precision, processor_features
from sightglass.errors import UnknownNameError


def cpuinfo(path: Path, flags: str) -> Path:
    path.write_text(f"processor\t: 0\nmodel name\t: Some: CPU\nflags\t\t: {flags}\nbugs\t:\n\n" * 2)
    return path


def test_features_are_the_flags_of_the_first_processor(tmp_path: Path) -> None:
    path = cpuinfo(tmp_path / "cpuinfo", "fpu avx2 amx_bf16")
    assert processor_features(path) == {"fpu", "avx2", "amx_bf16"}


def test_features_of_an_arm_processor_are_found_too(tmp_path: Path) -> None:
    path = tmp_path / "cpuinfo"
    path.write_text("processor\t: 0\nFeatures\t: fp asimd bf16\n")
    assert processor_features(path) == {"fp", "asimd", "bf16"}


def test_a_system_that_does_not_tell_has_no_features(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("processor : 0\n")
    assert processor_features(tmp_path / "absent") == frozenset()
    assert processor_features(tmp_path / "empty") == frozenset()


@pytest.mark.parametrize(
    ("features", "expected"),
    [
        ({"amx_bf16"}, "bf16"),
        ({"avx512_bf16", "avx2"}, "bf16"),
        ({"avx512f", "avx2"}, "fp32"),
        (set(), "fp32"),
    ],
)
def test_auto_takes_bf16_only_where_the_processor_has_it(
    monkeypatch: pytest.MonkeyPatch, features: set[str], expected: str
) -> None:
    monkeypatch.setattr(precision, "processor_features", lambda: frozenset(features))
    assert choose_precision() == expected
    assert choose_precision("auto") == expected


@pytest.mark.parametrize("requested", ["fp32", "bf16", "int8"])
def test_an_explicit_precision_is_taken_whatever_the_processor(
    monkeypatch: pytest.MonkeyPatch, requested: str
) -> None:
    monkeypatch.setattr(precision, "processor_features", frozenset)
    assert choose_precision(requested) == requested


def test_an_unknown_precision_names_the_nearest_known_one() -> None:
    with pytest.raises(UnknownNameError, match=r"Unknown precision 'fp23'\. Did you mean 'fp32'"):
        choose_precision("fp23")
