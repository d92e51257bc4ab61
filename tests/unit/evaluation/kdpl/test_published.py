"""Published numbers are facts with a source; those that can be recomputed agree with themselves."""

from __future__ import annotations

import pytest

from sightglass.evaluation.kdpl.known import SHIFTED, SOURCE, TEN, known_datasets
from sightglass.evaluation.kdpl.methods import HOSTS, STUDENT, TEACHER, Method
from sightglass.evaluation.kdpl.published import Published, published_of, published_rows


def rows_of(table: str) -> list[Published]:
    return [row for row in published_rows() if row.table == table]


@pytest.mark.parametrize("row", rows_of("domain_generalisation"), ids=str)
def test_every_printed_average_is_that_of_the_four_targets(row: Published) -> None:
    recomputed = sum(row.values[name] for name in SHIFTED) / 4
    # Printed with two decimals.
    assert recomputed == pytest.approx(row.values["average"], abs=0.00501)
    careless = (4 * recomputed + row.values[SOURCE]) / 5
    assert careless != pytest.approx(row.values["average"], abs=0.5)


@pytest.mark.parametrize("row", rows_of("cross_dataset"), ids=str)
def test_every_printed_cross_dataset_mean_is_that_of_the_ten(row: Published) -> None:
    assert sum(row.values[name] for name in TEN) / 10 == pytest.approx(
        row.values["average"], abs=0.00501
    )


def test_known_numbers_stand_where_they_belong() -> None:
    # METHODS.md §F, B6: target means of CoOp+KDPL on ViT-B/32 and CoOp on RN50.
    averages = {
        one.backbone: one.values["average"]
        for loss, backbone in (("kdpl", "ViT-B/32"), ("cross_entropy", "RN50"))
        for one in published_of("domain_generalisation", Method("coop", loss))  # type: ignore[arg-type]
        if one.backbone == backbone
    }
    assert averages == {"ViT-B/32": 49.90, "RN50": 42.05}
    (teacher,) = published_of("domain_generalisation", TEACHER)
    assert (teacher.backbone, teacher.values["average"]) == ("ViT-H/14", 77.53)
    novel = published_of("base_to_novel", Method("maple", "kdpl"))
    assert [(one.backbone, one.values) for one in novel] == [("ViT-B/32", {"average": 71.41})]


def test_what_is_not_published_is_not_there() -> None:
    assert published_of("domain_generalisation", Method("promptsrc", "kdpl_ca")) == ()
    assert published_of("base_to_novel", STUDENT) == ()
    assert {len(rows_of(table)) for table in ("domain_generalisation", "cross_dataset")} == {20, 4}
    assert len(rows_of("base_to_novel")) == 10


def test_every_row_has_a_source_and_a_known_method() -> None:
    for row in published_rows():
        assert row.source
        assert row.method in {STUDENT, TEACHER} or row.method.host in HOSTS
        assert set(row.values) <= {*known_datasets(), "average"}


def test_the_teachers_templates_are_those_of_the_table() -> None:
    # METHODS.md §B.1.
    special = {
        "oxford_pets": "a photo of a {}, a type of pet.",
        "oxford_flowers": "a photo of a {}, a type of flower.",
        "fgvc_aircraft": "a photo of a {}, a type of aircraft.",
        "dtd": "{} texture.",
        "eurosat": "a centered satellite photo of {}.",
        "food101": "a photo of {}, a type of food.",
        "ucf101": "a photo of a person doing {}.",
    }
    for name, known in known_datasets().items():
        assert known.template == special.get(name, "a photo of a {}.")
