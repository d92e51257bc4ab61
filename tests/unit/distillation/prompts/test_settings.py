from __future__ import annotations

import dataclasses
import inspect
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightglass.distillation.prompts.settings import LOSSES, PUBLISHED, PromptSettings
from sightglass.encoders.prompted.hosts import HOST_NAMES
from sightglass.errors import InputError, UnknownNameError

# The published table: learning rate, epochs, pictures per step.
TABLE = {
    "coop": (0.002, 50, 32),
    "cocoop": (0.002, 10, 1),
    "vpt": (0.0025, 5, 4),
    "maple": (0.0035, 5, 4),
    "promptsrc": (0.0025, 20, 4),
}


def test_there_are_numbers_for_every_host_and_for_no_other() -> None:
    assert set(PUBLISHED) == set(HOST_NAMES) == set(TABLE)


@pytest.mark.parametrize("host", TABLE)
def test_a_hosts_numbers_are_the_published_ones(host: str) -> None:
    chosen = PromptSettings.of(host)
    assert (chosen.lr, chosen.epochs, chosen.batch_size) == TABLE[host]
    assert (chosen.host, chosen.loss, chosen.seed, chosen.precision) == (host, "kdpl", 1, "fp32")
    assert (chosen.top_k, chosen.depth) == (None, None)


def test_promptsrcs_average_is_the_published_one_and_stretches_with_the_epochs() -> None:
    published = PromptSettings.of("promptsrc")
    assert (published.average_mean, published.average_std) == pytest.approx((15, 1))
    half = PromptSettings.of("promptsrc", epochs=10)
    assert (half.average_mean, half.average_std) == pytest.approx((7.5, 0.5))
    across = PromptSettings.of("promptsrc", average=(6, 10))
    assert (across.average_mean, across.average_std) == (6, 10)


@given(
    st.sampled_from(HOST_NAMES),
    st.fixed_dictionaries(
        {},
        optional={
            "loss": st.sampled_from(LOSSES),
            "lr": st.floats(1e-9, 1e3),
            "epochs": st.integers(1, 500),
            "batch_size": st.integers(1, 500),
            "seed": st.integers(0, 2**63),
            "top_k": st.integers(2, 30_000),
            "depth": st.integers(1, 40),
            "precision": st.sampled_from(["fp32", "bf16"]),
        },
    ),
)
def test_what_is_given_is_taken_and_the_rest_is_published(
    host: str, chosen: dict[str, Any]
) -> None:
    if host in ("coop", "cocoop"):
        chosen.pop("depth", None)
    settings = PromptSettings.of(host, **chosen)
    published = PromptSettings.of(host, epochs=chosen.get("epochs"))
    for field in dataclasses.fields(PromptSettings):
        expected = chosen.get(field.name, getattr(published, field.name))
        assert getattr(settings, field.name) == expected
    # A record that JSON gives back unchanged tells a run from another.
    assert json.loads(json.dumps(settings.as_record())) == settings.as_record()


@given(st.data())
def test_another_setting_is_another_record(data: st.DataObject) -> None:
    one = PromptSettings.of("maple")
    changed = data.draw(
        st.sampled_from(
            [
                {"loss": "cross_entropy"},
                {"lr": one.lr * (1 + 1e-15)},
                {"epochs": 6},
                {"batch_size": 5},
                {"seed": 2},
                {"top_k": 2},
                {"depth": 3},
                {"average": (3.75, 0.5)},
                {"precision": "bf16"},
            ]
        )
    )
    assert PromptSettings.of("maple", **changed).as_record() != one.as_record()


def test_every_field_is_in_the_record() -> None:
    names = {field.name for field in dataclasses.fields(PromptSettings)}
    assert PromptSettings.of("coop").as_record().keys() == names
    given_names = set(inspect.signature(PromptSettings.of).parameters)
    assert names - given_names == {"average_mean", "average_std"}


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"lr": 0.0}, "lr must be a finite number above 0, got 0.0"),
        ({"lr": math.nan}, "lr must be a finite number above 0, got nan"),
        ({"lr": math.inf}, "lr must be a finite number above 0, got inf"),
        ({"epochs": 0}, "epochs must be a whole number of at least 1, got 0"),
        ({"epochs": 2.5}, "epochs must be a whole number of at least 1, got 2.5"),
        ({"batch_size": 0}, "batch_size must be a whole number of at least 1, got 0"),
        ({"seed": -1}, "seed must be a whole number of at least 0, got -1"),
        ({"top_k": 1}, "top_k must be a whole number of at least 2, got 1"),
        ({"depth": 0}, "depth must be a whole number of at least 1, got 0"),
        ({"average": (3.0, 0.0)}, "average_std must be a finite number above 0, got 0.0"),
        ({"average": (math.nan, 1.0)}, "average_mean must be a finite number, got nan"),
    ],
)
def test_a_number_outside_its_range_is_refused(wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        PromptSettings.of("vpt", **wrong)
    assert str(caught.value).startswith(f"PromptSettings: {sentence}")


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"host": "cocop"}, "Unknown host 'cocop'. Did you mean 'cocoop'?"),
        ({"loss": "entropy"}, "Unknown loss 'entropy'. Did you mean 'cross_entropy'?"),
        ({"precision": "int8"}, "Unknown precision of training 'int8'."),
    ],
)
def test_an_unknown_word_is_refused(wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        PromptSettings.of(**{"host": "coop"} | wrong)
    assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize("host", ["coop", "cocoop"])
def test_hosts_with_tokens_at_the_input_alone_take_no_depth(host: str) -> None:
    with pytest.raises(InputError, match=f"{host} has tokens at the input alone, got 3"):
        PromptSettings.of(host, depth=3)
