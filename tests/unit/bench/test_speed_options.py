from __future__ import annotations

from pathlib import Path

import pytest

from speed_options import EVERYWHERE, PARTIAL, Options, read_options
from tables import PAGES


def options(text: str) -> Options:
    return read_options(text.split(), on_a_gpu=False)


def test_a_whole_run_goes_to_the_pages_and_leaves_the_groups_for_a_gpu_out() -> None:
    whole = options("")
    assert whole.out == PAGES
    assert whole.groups == EVERYWHERE
    assert read_options([], on_a_gpu=True).groups == (*EVERYWHERE, "batches", "paper")


@pytest.mark.parametrize(
    "text", ["--only mini", "--pictures 500", "--rounds 1", "--paper 200", "--classes 10"]
)
def test_a_part_of_a_run_leaves_the_pages_alone(text: str) -> None:
    assert options(text).out == PARTIAL
    assert options(f"{text} --out elsewhere").out == Path("elsewhere")


def test_names_of_groups_may_have_spaces_and_come_in_the_order_of_the_page() -> None:
    given = read_options(["--only", " clip , mini,mini,"], on_a_gpu=False)
    assert given.groups == ("mini", "clip")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--only", "minni"], "got 'minni'"),
        (["--only", " , "], "needs a name"),
        (["--pictures", "4", "--few", "8"], "--few must be --pictures or less, got 8 of 4"),
        (["--rounds", "0"], "--rounds must be 1 or more, got 0"),
        (["--few", "0"], "--few must be 1 or more, got 0"),
        (["--pictures", "-1"], "--pictures must be 2 or more, got -1"),
        (["--classes", "2000"], "--classes must be 1,080 or less, got 2,000"),
    ],
)
def test_what_cannot_be_measured_is_refused_with_one_sentence(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        read_options(arguments, on_a_gpu=False)
    assert stopped.value.code == 2
    sentence = capsys.readouterr().err
    assert said in sentence
    assert sentence.startswith("speed: ")
    assert sentence.endswith(".\n")
    assert sentence.count("\n") == 1
