from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from contrastive_processes import found_by_two
from contrastive_students import (
    CUT,
    PICTURES,
    Batch,
    Student,
    cut,
    descend,
    embed,
    gradients,
    info_nce,
    make_batch,
    our_gradient,
    plain_gradient,
)
from sightglass.distillation.parallel.contrastive_step import Outputs, backward
from sightglass.distillation.parallel.global_batch_norm import batch_norms
from sightglass.errors import InputError, ModelError, ShapeError
from torch_threads import one_torch_thread

CLOSE = {"atol": 1e-5, "rtol": 1e-5}
ALL_SIZES = [size for sizes in CUT for size in sizes]


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    with one_torch_thread():
        yield


@pytest.fixture
def two() -> list[dict[str, Any]]:
    """What each of two processes found; they are started once for all tests."""
    return found_by_two()


def check_equal(found: dict[str, Tensor | None], expected: dict[str, Tensor | None]) -> None:
    assert found.keys() == expected.keys()
    for name, wanted in expected.items():
        ours = found[name]
        if wanted is None or ours is None:
            assert ours is wanted, name
        else:
            torch.testing.assert_close(
                ours, wanted, **CLOSE, msg=lambda text, n=name: f"{n} {text}"
            )


def plainly(**kind: Any) -> tuple[float, dict[str, Tensor | None]]:
    """Loss and gradient of the whole batch in one graph."""
    student = Student(**kind)
    loss = plain_gradient(student, [make_batch()])
    return loss, gradients(student)


@pytest.mark.parametrize("sizes", [(12,), (3, 3, 3, 3), (5, 1, 4, 2), (1,) * 12])
def test_parts_of_any_sizes_have_the_gradient_of_the_whole_batch(sizes: tuple[int, ...]) -> None:
    loss, expected = plainly()
    assert expected["unused"] is None
    student = Student()
    assert our_gradient(student, cut(make_batch(), sizes)) == pytest.approx(loss, abs=1e-5)
    check_equal(gradients(student), expected)
    # The comparison and the questions about single pictures both reach the trunk and the scale.
    assert all(g.abs().max() > 1e-4 for name, g in expected.items() if name != "unused")


@settings(max_examples=25, deadline=None)
@given(st.sets(st.integers(1, PICTURES - 1)), st.sets(st.integers(0, PICTURES - 1)))
def test_no_cut_and_no_missing_caption_changes_the_gradient(
    cuts: set[int], without: set[int]
) -> None:
    edges = [0, *sorted(cuts), PICTURES]
    sizes = [until - at for at, until in pairwise(edges)]
    batch = make_batch(seed=4, without_caption=sorted(without))
    expected, student = Student(), Student()
    loss = plain_gradient(expected, [batch])
    assert our_gradient(student, cut(batch, sizes)) == pytest.approx(loss, abs=1e-5)
    check_equal(gradients(student), gradients(expected))


@pytest.mark.parametrize("sizes", [(12,), (3, 3, 3, 3), (5, 1, 4, 2)])
def test_three_steps_in_parts_end_where_three_steps_of_the_whole_batch_end(
    sizes: tuple[int, ...],
) -> None:
    ours, plain = Student(), Student()
    found = descend(ours, lambda step: our_gradient(ours, cut(make_batch(seed=step), sizes)))
    expected = descend(plain, lambda step: plain_gradient(plain, [make_batch(seed=step)]))
    assert found[0] == pytest.approx(expected[0], abs=1e-5)
    check_equal(found[1], expected[1])


def test_two_processes_with_two_uneven_parts_each_end_where_the_whole_batch_ends(
    two: list[dict[str, Any]],
) -> None:
    plain, first = Student(), Student()
    plain_gradient(first, [make_batch(seed=0)])
    losses, tensors = descend(plain, lambda step: plain_gradient(plain, [make_batch(seed=step)]))
    for found in two:
        check_equal(found["steps"]["gradients"], gradients(first))
        assert found["steps"]["losses"] == pytest.approx(losses, abs=1e-5)
        check_equal(found["steps"]["tensors"], tensors)
    assert two[0]["steps"]["losses"] == two[1]["steps"]["losses"]
    for name, tensor in two[0]["steps"]["tensors"].items():
        assert torch.equal(tensor, two[1]["steps"]["tensors"][name]), name


def test_dropout_is_the_same_in_both_runs_of_a_part() -> None:
    plain, student = Student(dropout=0.5), Student(dropout=0.5)
    parts = cut(make_batch(), (5, 4, 3))
    torch.manual_seed(7)
    plain_gradient(plain, parts)
    drawn = torch.rand(2)
    torch.manual_seed(7)
    in_between = []

    def compare_and_draw(images: Tensor, texts: Tensor | None, paired: Tensor) -> Tensor:
        in_between.append(float(torch.rand(1)))
        return info_nce(student, images, texts, paired)

    our_gradient(student, parts, comparing=compare_and_draw)
    # Nobody behind it draws a number twice.
    assert [*in_between, float(torch.rand(1))] == drawn.tolist()
    check_equal(gradients(student), gradients(plain))


def test_dropout_differs_between_processes_and_agrees_between_the_runs_of_a_part(
    two: list[dict[str, Any]],
) -> None:
    plain, batch = Student(dropout=0.5), make_batch(seed=0)
    parts = cut(batch, ALL_SIZES)

    def seeded(part: Any) -> Outputs:
        for rank, at in ((0, 0), (1, len(CUT[0]))):
            if part is parts[at]:
                torch.manual_seed(7 + rank)
        return embed(plain, part)

    answers = [seeded(part) for part in parts]
    rows = torch.cat([answer.images for answer in answers])
    texts = torch.cat([answer.texts for answer in answers if answer.texts is not None])
    loss = info_nce(plain, rows, texts, batch.paired)
    for answer, size in zip(answers, ALL_SIZES, strict=True):
        loss = loss + answer.own * size / PICTURES
    loss.backward()
    for found in two:
        check_equal(found["dropout"][0], gradients(plain))


def test_mistake_8_3_rows_gathered_without_gradient_have_another_gradient(
    two: list[dict[str, Any]],
) -> None:
    plain = Student()
    plain_gradient(plain, [make_batch(seed=0, without_caption=())])
    expected, careless = gradients(plain), two[0]["careless"]
    # Their loss counts each row in one of its two roles only; the single pictures' part is right.
    torch.testing.assert_close(careless["own_head.weight"], expected["own_head.weight"], **CLOSE)
    for name in ("trunk.0.weight", "image_head.weight", "words.0.weight"):
        missed = (careless[name] - expected[name]).norm() / expected[name].norm()
        assert missed > 0.2, name


def test_without_a_comparison_the_gradient_is_the_mean_over_all_pictures(
    two: list[dict[str, Any]],
) -> None:
    plain = Student()
    own = embed(plain, make_batch(seed=0)).own
    own.backward()
    for found in two:
        assert found["only own"][0] == pytest.approx(own.item(), abs=1e-5)
        check_equal(found["only own"][1], gradients(plain))
        assert found["only own"][1]["words.0.weight"] is None


def test_processes_with_unequally_many_parts_are_refused_in_all(two: list[dict[str, Any]]) -> None:
    for found in two:
        assert found["unequal"] == (
            "backward: all processes need equally many parts, got [1, 2] by rank. Cut each "
            "process's pictures into the same number of parts."
        )


def test_a_network_with_global_batch_norms_learns_in_two_processes_as_in_one(
    two: list[dict[str, Any]],
) -> None:
    plain = Student(norm=True)
    losses, tensors = descend(plain, lambda step: plain_gradient(plain, [make_batch(seed=step)]))
    for found in two:
        assert found["norm steps"][0] == pytest.approx(losses, abs=1e-5)
        check_equal(found["norm steps"][1], tensors)
    assert int(tensors["trunk.1.num_batches_tracked"]) == 3


def test_each_part_has_statistics_of_its_own_and_moves_the_running_ones_once() -> None:
    parts = cut(make_batch(), (5, 7))
    plain, student = Student(norm=True), Student(norm=True)
    plain_gradient(plain, parts)
    our_gradient(student, parts)
    check_equal(gradients(student), gradients(plain))
    check_equal(dict(student.named_buffers()), dict(plain.named_buffers()))
    assert int(student.state_dict()["trunk.1.num_batches_tracked"]) == 2
    whole = Student(norm=True)
    plain_gradient(whole, [make_batch()])
    difference = gradients(whole)["image_head.weight"] - gradients(plain)["image_head.weight"]
    assert difference.norm() > 1e-3


def test_a_frozen_batch_norm_leaves_parts_exact() -> None:
    def frozen() -> Student:
        student = Student(norm=True)
        student.trunk[1].eval()
        return student

    assert batch_norms(Student(norm=True)) == ("trunk.1",)
    assert batch_norms(frozen()) == batch_norms(Student()) == ()
    plain, student = frozen(), frozen()
    plain_gradient(plain, [make_batch()])
    our_gradient(student, cut(make_batch(), (5, 1, 6)))
    check_equal(gradients(student), gradients(plain))


def in_bf16() -> torch.autocast:
    return torch.autocast("cpu", dtype=torch.bfloat16)


@pytest.mark.parametrize("outside", [True, False])
def test_in_bf16_parts_have_the_gradient_of_the_whole_batch_within_its_rounding(
    outside: bool,
) -> None:
    def embed_in_bf16(student: Student, part: Batch) -> Outputs:
        with in_bf16():
            return embed(student, part)

    def compare_in_fp32(
        student: Student, images: Tensor, texts: Tensor | None, paired: Tensor
    ) -> Tensor:
        assert images.dtype == (images @ images.T).dtype == torch.float32
        return info_nce(student, images, texts, paired)

    def found(sizes: tuple[int, ...]) -> dict[str, Tensor | None]:
        student = Student()
        with in_bf16() if outside else nullcontext():
            our_gradient(
                student,
                cut(make_batch(), sizes),
                embedding=partial(embed if outside else embed_in_bf16, student),
                comparing=partial(compare_in_fp32, student),
            )
        return gradients(student)

    _, exact = plainly()
    whole, parts = found((12,)), found((5, 1, 6))
    for name, expected in exact.items():
        if expected is None:
            continue
        assert parts[name] is not None, name
        assert (parts[name] - whole[name]).norm() < 0.01 * expected.norm(), name
        assert (parts[name] - expected).norm() < 0.05 * expected.norm(), name
    assert not torch.equal(parts["trunk.0.weight"], exact["trunk.0.weight"])


def test_gradients_are_added_to_those_that_are_there() -> None:
    _, expected = plainly()
    student = Student()
    student.own_head.bias.grad = torch.ones(2)
    student.unused.grad = torch.tensor(3.0)
    our_gradient(student, cut(make_batch(), (6, 6)))
    found = gradients(student)
    torch.testing.assert_close(found["own_head.bias"], expected["own_head.bias"] + 1, **CLOSE)
    assert found["unused"] == 3.0


def test_a_scale_that_compare_learns_need_not_be_in_the_module() -> None:
    student, scale = Student(), nn.Parameter(torch.tensor(1.5))
    backward(
        cut(make_batch(), (6, 6)),
        partial(embed, student),
        lambda *rows: scale * rows[0].sum(),
        module=student,
        sizes=(6, 6),
        shared=[scale],
    )
    rows = embed(student, make_batch()).images
    torch.testing.assert_close(scale.grad, rows.sum().detach(), **CLOSE)


def test_several_parts_are_run_twice_and_one_part_once() -> None:
    calls = []

    def counted(student: Student, part: Batch) -> Outputs:
        calls.append((len(part.pixels), torch.is_grad_enabled()))
        return embed(student, part)

    student = Student()
    parts = cut(make_batch(), (5, 3, 4))
    our_gradient(student, parts, embedding=partial(counted, student))
    assert calls == [(5, False), (3, False), (4, False), (5, True), (3, True), (4, True)]
    calls.clear()
    our_gradient(student, parts[:1], embedding=partial(counted, student))
    assert calls == [(5, True)]


def test_one_parts_activations_are_alive_at_a_time() -> None:
    alive: set[int] = set()
    most = []

    def watched(student: Student, part: Batch) -> Outputs:
        made = embed(student, part)
        if torch.is_grad_enabled():
            alive.add(id(part))
            weakref.finalize(made.images, alive.discard, id(part))
            most.append(len(alive))
        return made

    student = Student()
    our_gradient(student, cut(make_batch(), (5, 3, 4)), embedding=partial(watched, student))
    assert most == [1, 1, 1]


def test_random_numbers_that_are_not_torchs_are_found_out() -> None:
    generator = np.random.default_rng(0)

    def restless(student: Student, part: Batch) -> Outputs:
        made = embed(student, part)
        noise = torch.from_numpy(generator.normal(size=made.images.shape)).float()
        return replace(made, images=made.images + noise)

    student = Student()
    with pytest.raises(ModelError, match="a part run twice must give the same rows"):
        our_gradient(student, cut(make_batch(), (6, 6)), embedding=partial(restless, student))


@pytest.mark.parametrize(
    ("field", "change", "message"),
    [
        ("images", lambda rows: rows[1:], "got 11, 12 and 6 text rows for 6 marks"),
        ("texts", lambda rows: rows[1:], "got 12, 12 and 5 text rows for 6 marks"),
        ("texts", lambda _: None, "got 12, 12 and 0 text rows for 6 marks"),
        ("paired", lambda marks: marks.float(), "paired must be bool"),
        ("own", lambda own: own[None], "own a scalar, got torch.bool and the shape (1,)"),
    ],
)
def test_answers_that_do_not_fit_their_part_are_refused(
    field: str, change: Callable[[Any], Any], message: str
) -> None:
    def changed(student: Student, part: Batch) -> Outputs:
        made = embed(student, part)
        return replace(made, **{field: change(getattr(made, field))})

    student = Student()
    with pytest.raises(ShapeError) as caught:
        our_gradient(student, [make_batch()], embedding=partial(changed, student))
    assert message in str(caught.value)


def test_a_comparison_per_row_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"compare must return a scalar, got the shape \(12, 6\)"):
        our_gradient(Student(), [make_batch()], comparing=lambda *rows: rows[0])


@pytest.mark.parametrize(("count", "sizes"), [(0, ()), (1, (0,)), (2, (12,))])
def test_parts_without_pictures_are_refused(count: int, sizes: tuple[int, ...]) -> None:
    student = Student()
    with pytest.raises(InputError, match="at least one part, and a size of at least 1 for each"):
        backward(
            [make_batch()] * count,
            partial(embed, student),
            None,
            module=student,
            sizes=sizes,
        )
