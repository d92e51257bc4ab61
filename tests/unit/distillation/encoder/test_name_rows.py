from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from adapters.small_students import small_student
from sightglass.distillation.encoder.name_rows import NameRows

LISTS = {"0": ("cat", "photo"), "named": ("a", "b", "c")}


def test_rows_are_those_of_the_sentence_with_the_name() -> None:
    student = small_student()
    names = NameRows(student, LISTS, wording="look, {}!")
    with torch.no_grad():
        expected = student.text_rows(["look, cat!", "look, photo!"])
    torch.testing.assert_close(names.rows("0"), expected)
    assert "named" in names
    assert "1" not in names


def test_while_the_text_tower_learns_rows_are_new_at_every_step_and_have_a_gradient() -> None:
    student = small_student()
    names = NameRows(student, LISTS)
    assert names.rows("named").requires_grad
    before = names.rows("named").detach().clone()
    assert student.text is not None
    with torch.no_grad():
        student.text.table.weight.mul_(torch.linspace(-1, 1, student.text.table.embedding_dim))
    assert torch.equal(names.rows("named"), before)
    names.begin_step()
    assert not torch.equal(names.rows("named"), before)


def test_what_a_steps_parts_gather_goes_back_through_the_text_tower_once() -> None:
    student = small_student()
    names = NameRows(student, LISTS)
    weights = {key: torch.randn(2, len(LISTS[key]), 24) for key in LISTS}
    assert student.text is not None
    passes: list[int] = []
    student.text.register_forward_hook(lambda *_: passes.append(1))
    for part in range(2):
        for key in LISTS:
            (weights[key][part] * names.rows(key)).sum().backward()
    assert all(parameter.grad is None for parameter in student.text.parameters())
    names.pull()
    assert len(passes) == len(LISTS)
    found = {name: parameter.grad for name, parameter in student.text.named_parameters()}
    wanted = small_student()
    assert wanted.text is not None
    for key, texts in LISTS.items():
        rows = wanted.text_rows([f"a photo of a {name}." for name in texts])
        (weights[key].sum(0) * rows).sum().backward()
    for name, parameter in wanted.text.named_parameters():
        torch.testing.assert_close(found[name], parameter.grad, atol=1e-6, rtol=1e-6)
    # Nothing is left for the next step, and a step that looked at no name has nothing to send.
    names.pull()
    names.rows("0")
    names.pull()
    assert found.keys() == {name for name, _ in wanted.text.named_parameters()}
    for name, parameter in student.text.named_parameters():
        assert torch.equal(parameter.grad, found[name])


def test_what_is_drawn_after_rows_of_names_is_what_would_have_been_drawn_without() -> None:
    student = small_student()
    assert student.text is not None
    student.text.register_forward_hook(lambda *given: functional.dropout(given[2], 0.5))
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    NameRows(student, LISTS).rows("0")
    assert torch.equal(torch.rand(4), expected)


def test_of_a_frozen_text_tower_rows_are_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    student = small_student()
    student.requires_grad_(False)
    names = NameRows(student, LISTS)
    first = names.rows("0")
    monkeypatch.setattr(student, "text_rows", None)
    assert names.rows("0") is first


def test_rows_that_were_kept_are_forgotten_when_the_tower_has_learned_since() -> None:
    student = small_student()
    assert student.text is not None
    student.text.requires_grad_(False)
    names = NameRows(student, LISTS)
    kept = names.rows("0").clone()
    student.text.requires_grad_(True)
    names.rows("named")
    with torch.no_grad():
        student.text.table.weight.mul_(torch.linspace(-1, 1, student.text.table.embedding_dim))
    student.text.requires_grad_(False)
    assert not torch.equal(names.rows("0"), kept)


def test_the_rows_of_a_finished_student_leave_its_mode_as_it_was() -> None:
    student = small_student()
    assert student.text is not None
    student.text.train()
    rows = NameRows(student, LISTS).of(student, "named")
    assert student.text.training
    assert not rows.requires_grad
    torch.testing.assert_close(rows.norm(dim=1), torch.ones(3))
