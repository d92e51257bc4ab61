from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sightglass.distillation.encoder.teacher_settings import TextTeacher
from sightglass.distillation.encoder.word_teachers import (
    digest_of_file,
    digest_of_text_teachers,
    read_text_teacher,
)
from sightglass.errors import InputError


def write(path: Path, *, names: tuple[str, ...] = ("a", "b", "c"), seed: int = 0) -> Path:
    rows = np.random.default_rng(seed).normal(size=(len(names), 4))
    np.savez(path, names=np.array(names), rows=rows)
    return path


def tables(*paths: Path) -> TextTeacher:
    return TextTeacher.model_validate({"tables": [{"path": str(path)} for path in paths]})


def test_of_a_name_in_two_tables_the_first_tables_row_counts(tmp_path: Path) -> None:
    one = write(tmp_path / "one.npz")
    two = write(tmp_path / "two.npz", names=("c", "d"), seed=1)
    teacher: Any = read_text_teacher(tables(one, two))
    assert teacher.names == ("a", "b", "c", "d")
    alone: Any = read_text_teacher(tables(one))
    assert np.array_equal(teacher.rows(["a", "c"]), alone.rows(["a", "c"]))


def test_the_digest_of_tables_is_that_of_their_bytes_not_of_their_names(tmp_path: Path) -> None:
    one, two = write(tmp_path / "one.npz"), write(tmp_path / "two.npz", seed=1)
    assert digest_of_file(one) == hashlib.sha256(one.read_bytes()).hexdigest()
    digests = {
        digest_of_text_teachers(of) for of in ([tables(one)], [tables(two)], [tables(one, two)])
    }
    assert len(digests) == 3
    copy = tmp_path / "copy.npz"
    copy.write_bytes(one.read_bytes())
    assert digest_of_text_teachers([tables(copy)]) == digest_of_text_teachers([tables(one)])
    write(one, seed=2)
    assert digest_of_text_teachers([tables(copy)]) != digest_of_text_teachers([tables(one)])


def test_an_encoders_digest_is_its_own() -> None:
    synthetic = TextTeacher(model="synthetic:colours")
    assert digest_of_text_teachers([synthetic]) == digest_of_text_teachers([synthetic])
    assert digest_of_text_teachers([synthetic]) != digest_of_text_teachers([synthetic] * 2)


def test_a_table_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"absent\.npz: a file that can be read is needed, but: No"
    ):
        digest_of_text_teachers([tables(tmp_path / "absent.npz")])
