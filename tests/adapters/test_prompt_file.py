from __future__ import annotations

import json
import re
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from adapters.checkpoints import write_clip
from adapters.learned_prompts import about, learned_host, write_learned
from sightglass.encoders.prompted.hosts import HOST_NAMES, build_host
from sightglass.encoders.prompted.prompt_file import (
    FORMAT,
    PromptsAbout,
    fill_host,
    read_prompts,
    write_prompts,
)
from sightglass.encoders.prompted.student import Student, load_student
from sightglass.errors import ModelError, ResultsError


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> Student:
    return load_student(f"hf:{write_clip(tmp_path_factory.mktemp('clip'))}")


@pytest.fixture
def file(tmp_path: Path, student: Student) -> Path:
    """Prompts of MaPLe: it has tensors of the most kinds."""
    path = tmp_path / "mine.safetensors"
    write_learned(path, "maple", student)
    return path


def refused(path: Path, message: str) -> None:
    """Reading raises one line that holds ``message``."""
    with pytest.raises(ModelError, match=re.escape(message)) as caught:
        read_prompts(path)
    assert "\n" not in str(caught.value)


def rewrite(path: Path, **changed: object) -> None:
    """The same tensors with another description; None takes a field away."""
    with safe_open(path, framework="pt") as opened:
        described = json.loads(opened.metadata()["sightglass"])
    described |= changed
    kept = {name: value for name, value in described.items() if value is not None}
    save_file(load_file(path), path, metadata={"sightglass": json.dumps(kept)})


@pytest.mark.parametrize("name", HOST_NAMES)
def test_what_was_written_is_read_back_bit_for_bit(
    name: str, tmp_path: Path, student: Student
) -> None:
    path = tmp_path / "mine.safetensors"
    host = write_learned(path, name, student)
    stored = read_prompts(path)
    assert stored.about == about(name, student)
    assert stored.tensors.keys() == host.state_dict().keys()
    again = build_host(
        name, student.towers, student.context_ids(), generator=torch.Generator().manual_seed(5)
    )
    fill_host(again, stored, where="here")
    for one, other in zip(host.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)


def test_any_safetensors_reader_opens_the_file(file: Path, student: Student) -> None:
    host = learned_host("maple", student)
    found = load_file(file)
    assert {name: tensor.dtype for name, tensor in found.items()} == dict.fromkeys(
        host.state_dict(), torch.float32
    )
    for name, tensor in host.state_dict().items():
        assert torch.equal(found[name], tensor)


def test_the_same_prompts_make_the_same_bytes(file: Path, tmp_path: Path, student: Student) -> None:
    write_learned(tmp_path / "again.safetensors", "maple", student)
    assert (tmp_path / "again.safetensors").read_bytes() == file.read_bytes()


def test_a_depth_of_one_leaves_empty_tensors_that_come_back(
    tmp_path: Path, student: Student
) -> None:
    path = tmp_path / "mine.safetensors"
    host = learned_host("vpt", student, depth=1)
    write_prompts(path, host, about=about("vpt", student, depth=1))
    stored = read_prompts(path)
    assert stored.about.depth == 1
    assert stored.tensors["deep_visual"].shape == (0, 8, 32)


def test_numbers_that_are_not_finite_are_not_written(tmp_path: Path, student: Student) -> None:
    host = learned_host("coop", student)
    with torch.no_grad():
        host.context[0, 0] = torch.inf  # type: ignore[union-attr, index, operator]
    with pytest.raises(ModelError, match="prompts are finite numbers, 'context' has others"):
        write_prompts(tmp_path / "mine.safetensors", host, about=about("coop", student))
    assert not list(tmp_path.iterdir())


def test_a_description_of_another_host_is_refused(tmp_path: Path, student: Student) -> None:
    with pytest.raises(ModelError, match="about must speak of coop, got vpt"):
        write_prompts(
            tmp_path / "mine.safetensors",
            learned_host("coop", student),
            about=about("vpt", student),
        )


def test_a_file_that_cannot_be_replaced_stays_as_it_was(
    file: Path, student: Student, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = file.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sightglass.whole_files.os.fsync", full)
    with pytest.raises(ResultsError, match="No space left on device"):
        write_learned(file, "maple", student, seed=1)
    assert file.read_bytes() == before
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_exactly_the_five_hosts_can_be_described(student: Student) -> None:
    for name in HOST_NAMES:
        assert about(name, student).host == name
    with pytest.raises(ValidationError):
        about("tip-adapter", student)


def test_a_description_says_which_format_it_has() -> None:
    assert PromptsAbout.model_fields["format"].default == FORMAT


# --- what is refused -----------------------------------------------------------------------------


def test_an_absent_file_names_the_closest(file: Path) -> None:
    refused(file.with_name("nine.safetensors"), f"Did you mean '{file}'?")
    refused(file.with_name("nowhere") / "x.safetensors", "There is no folder")
    refused(file.with_name("zzzzzzzzzzz.bin"), "found none there. Check the path.")


def test_a_truncated_file_is_refused(file: Path) -> None:
    whole = file.read_bytes()
    for kept in (len(whole) - 1, 200, 4, 0):
        file.write_bytes(whole[:kept])
        refused(file, "not a complete safetensors file")


def test_a_pickle_is_never_opened(file: Path) -> None:
    torch.save({"context": torch.zeros(4, 32)}, file)
    refused(file, "not a complete safetensors file")


def test_a_header_longer_than_the_file_is_refused(file: Path) -> None:
    file.write_bytes(struct.pack("<Q", 2**62) + b"{}")
    refused(file, "not a complete safetensors file")


def test_a_checkpoint_is_no_prompt_file(file: Path) -> None:
    save_file(load_file(file), file)
    refused(file, "this safetensors file says nothing of prompts")


def test_a_newer_format_asks_for_a_newer_version(file: Path) -> None:
    rewrite(file, format=2, a_field_of_the_future=1)
    refused(file, "prompts of format 1 can be read, these are of format 2. Install a newer version")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"format": None}, "its description is damaged"),
        ({"host": "tip-adapter"}, "its description is damaged (host:"),
        ({"student": "mini"}, "its description is damaged (student:"),
        ({"student_fingerprint": None}, "its description is damaged (student_fingerprint:"),
        ({"epochs": "many"}, "its description is damaged (epochs:"),
        ({"surplus": 1}, "its description is damaged (surplus:"),
    ],
)
def test_a_damaged_description_says_which_part(
    file: Path, changed: dict[str, object], message: str
) -> None:
    rewrite(file, **changed)
    refused(file, message)


@pytest.mark.parametrize("text", ["", "[]", '"coop"', "{", "3"])
def test_a_description_that_is_no_object_is_refused(file: Path, text: str) -> None:
    save_file(load_file(file), file, metadata={"sightglass": text})
    refused(file, "its description is damaged")


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64, torch.int32])
def test_other_numbers_than_float32_are_refused(file: Path, dtype: torch.dtype) -> None:
    tensors = load_file(file)
    with safe_open(file, framework="pt") as opened:
        metadata = opened.metadata()
    tensors["context"] = tensors["context"].to(dtype)
    save_file(tensors, file, metadata=metadata)
    refused(file, "prompts are numbers of 32 bits (F32), 'context' has")


def test_a_nan_is_refused(file: Path) -> None:
    tensors = load_file(file)
    with safe_open(file, framework="pt") as opened:
        metadata = opened.metadata()
    tensors["context"][1, 2] = torch.nan
    save_file(tensors, file, metadata=metadata)
    refused(file, "prompts are finite numbers, 'context' has others")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"context": None}, "have a tensor of shape (2, 32) as 'context', found none"),
        ({"visual": (2, 32)}, "have none as 'visual', found a tensor of shape (2, 32)"),
        (
            {"couplings.0.bias": (31,)},
            "have a tensor of shape (32,) as 'couplings.0.bias', found a tensor of shape (31,)",
        ),
        ({"context": (64,)}, "(2, 32) as 'context', found a tensor of shape (64,)"),
    ],
)
def test_tensors_that_do_not_fit_the_student_are_refused(
    file: Path, student: Student, change: dict[str, tuple[int, ...] | None], message: str
) -> None:
    tensors = load_file(file)
    with safe_open(file, framework="pt") as opened:
        metadata = opened.metadata()
    for name, shape in change.items():
        tensors.pop(name, None)
        if shape is not None:
            tensors[name] = torch.zeros(shape)
    save_file(tensors, file, metadata=metadata)
    host = learned_host("maple", student)
    before = [parameter.detach().numpy().copy() for parameter in host.parameters()]
    with pytest.raises(ModelError, match=re.escape(message)):
        fill_host(host, read_prompts(file), where="here")
    for old, new in zip(before, host.parameters(), strict=True):
        np.testing.assert_array_equal(old, new.detach().numpy())
