from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from colour_photos import classifier, encoded
from sightglass.errors import EvaluationError, InputError
from sightglass.evaluation.closed_set import ClosedSetScores, evaluate_closed_set
from sightglass.evaluation.closed_set_tables import metric_table, write_closed_set
from sightglass.evaluation.datasets import LabelledPictures, load_dataset
from sightglass.evaluation.metrics_json import MetricRow

CLASSES = ["blue", "lime", "red"]


def planted(labels: Sequence[int], pictures: Sequence[bytes]) -> LabelledPictures:
    return LabelledPictures(
        class_names=tuple(CLASSES),
        labels=np.array(labels, np.int64),
        read=lambda: iter(pictures),
    )


def write_parquet(path: Path, labels: Sequence[int], colours: Sequence[str]) -> Path:
    """As model hubs publish them; the picture of each label is the colour beside it."""
    pictures = pa.array([{"bytes": encoded(colour), "path": None} for colour in colours])
    feature = {"label": {"_type": "ClassLabel", "names": CLASSES}}
    table = pa.table({"image": pictures, "label": labels}).replace_schema_metadata(
        {"huggingface": json.dumps({"info": {"features": feature}})}
    )
    pq.write_table(table, path)
    return path


def test_a_parquet_file_with_one_wrong_label_in_four_is_three_quarters_right(
    tmp_path: Path,
) -> None:
    file = write_parquet(tmp_path / "p.parquet", [0, 1, 2, 2], ["blue", "lime", "red", "lime"])
    scores = evaluate_closed_set(classifier(CLASSES), load_dataset(file))
    assert scores.top_k == {1: 0.75, 3: 1.0}
    assert (scores.n_images, scores.n_failed) == (4, 0)
    # Colours this far apart are told with a confidence of nearly 1, so the one error is the gap.
    assert scores.calibration_error == pytest.approx(0.25, abs=1e-3)
    assert scores.called_unknown == 0.0


def test_an_image_folder_with_one_picture_in_the_wrong_folder_is_three_quarters_right(
    tmp_path: Path,
) -> None:
    placed = {"blue/1.png": "blue", "lime/1.png": "lime", "red/1.png": "red", "red/2.png": "blue"}
    for name, colour in placed.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(encoded(colour))
    scores = evaluate_closed_set(classifier(CLASSES), load_dataset(tmp_path))
    assert scores.top_k[1] == 0.75
    assert scores.n_images == 4


def test_names_of_ones_own_are_taken_in_the_order_of_the_data_set() -> None:
    data = planted([0, 1, 2], [encoded(colour) for colour in ("navy", "lime", "red")])
    named = classifier([["navy", "dark blue"], "green", "crimson"])
    assert evaluate_closed_set(named, data).top_k[1] == 1.0


def test_pictures_that_cannot_be_opened_are_left_out_and_counted() -> None:
    pictures = [b"", encoded("blue"), b"no picture", encoded("red"), encoded("lime")[:50]]
    scores = evaluate_closed_set(classifier(CLASSES), planted([0, 0, 1, 1, 1], pictures))
    assert (scores.n_images, scores.n_failed) == (2, 3)
    assert scores.top_k[1] == 0.5


def test_a_picture_that_the_rule_would_reject_is_one_too_many_unknown() -> None:
    # White is far from all three colours, but its label says that it is one of them.
    pictures = [encoded(colour) for colour in ("red", "blue", "white", "red")]
    scores = evaluate_closed_set(classifier(CLASSES), planted([2, 0, 1, 2], pictures))
    assert scores.called_unknown == 0.25


@pytest.mark.parametrize(
    ("limit", "right", "n_images"),
    [
        # Right ones lie at 0, 2 and 4: a limit of 3 takes exactly these, 2 takes 0 and 3.
        (None, 3 / 6, 6),
        (6, 3 / 6, 6),
        (99, 3 / 6, 6),
        (3, 1.0, 3),
        (2, 1 / 2, 2),
        (1, 1.0, 1),
    ],
)
def test_a_limit_is_spread_evenly_over_the_set(
    limit: int | None, right: float, n_images: int
) -> None:
    data = planted([0, 1, 0, 1, 0, 1], [encoded("blue")] * 6)
    scores = evaluate_closed_set(classifier(CLASSES), data, limit=limit)
    assert scores.top_k[1] == right
    assert scores.n_images == n_images


def test_only_as_many_ranks_are_scored_as_there_are_classes() -> None:
    data = LabelledPictures(
        class_names=("blue", "red"), labels=np.array([0]), read=lambda: iter([encoded("blue")])
    )
    assert set(evaluate_closed_set(classifier(["blue", "red"]), data).top_k) == {1}
    names = ["blue", "red", "lime", "white", "black", "cyan"]
    six = LabelledPictures(
        class_names=tuple(names), labels=np.array([0]), read=lambda: iter([encoded("blue")])
    )
    assert set(evaluate_closed_set(classifier(names), six).top_k) == {1, 3, 5}


def test_another_number_of_names_than_classes_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        evaluate_closed_set(classifier(["blue", "red"]), planted([0], [encoded("blue")]))
    assert str(caught.value) == (
        "evaluate: as many names as the data set has classes are needed (3), got 2. Give them in "
        "the data set's order."
    )


def test_a_set_without_one_usable_picture_is_refused() -> None:
    with pytest.raises(EvaluationError) as caught:
        evaluate_closed_set(classifier(CLASSES), planted([0, 1], [b"", b"no picture"]))
    assert str(caught.value) == "evaluate: no picture of the data set could be opened."


def test_answers_and_classes_are_counted_against_each_other() -> None:
    pictures = [encoded(colour) for colour in ("blue", "lime", "red", "lime")]
    scores = evaluate_closed_set(classifier(CLASSES), planted([0, 1, 2, 2], pictures))
    # One red picture was taken for a lime one.
    assert scores.confusion.tolist() == [[1, 0, 0], [0, 1, 0], [0, 1, 1]]


def test_the_interval_of_a_share_holds_it_and_widens_where_pictures_are_few() -> None:
    right, wrong = encoded("blue"), encoded("lime")
    few = evaluate_closed_set(classifier(CLASSES), planted([0] * 8, [right, wrong] * 4))
    many = evaluate_closed_set(classifier(CLASSES), planted([0] * 200, [right, wrong] * 100))
    (low, high), (inner_low, inner_high) = few.intervals["top1"], many.intervals["top1"]
    assert low < inner_low < 0.5 < inner_high < high
    # By the binomial distribution: 0.5 plus and minus 1.96 * sqrt(.25 / 200) = .0693.
    assert (inner_low, inner_high) == pytest.approx((0.4307, 0.5693), abs=0.01)
    # Of three classes the right one is always among the best three.
    assert few.intervals["top3"] == (1.0, 1.0)


def test_rows_for_the_metrics_file_name_the_protocol_and_what_was_told_about_it() -> None:
    scores = ClosedSetScores(
        n_images=8,
        n_failed=2,
        top_k={1: 0.5, 3: 0.75},
        calibration_error=0.125,
        called_unknown=0.0,
        confusion=np.zeros((4, 4), np.int64),
        intervals={
            "top1": (0.25, 0.75),
            "top3": (0.5, 1.0),
            "ece": (0.1, 0.2),
            "called_unknown": (0.0, 0.0),
        },
    )
    about = {"dataset": "pets", "heads": "text_image", "encoders": "mini"}
    assert scores.as_rows(**about) == [
        MetricRow(protocol="closed_set", metric=metric, value=v, low=low, high=high, n=8, **about)
        for metric, v, low, high in (
            ("top1", 0.5, 0.25, 0.75),
            ("top3", 0.75, 0.5, 1.0),
            ("ece", 0.125, 0.1, 0.2),
            ("called_unknown", 0.0, 0.0, 0.0),
        )
    ] + [MetricRow(protocol="closed_set", metric="failed", value=0.2, n=10, **about)]


def test_tables_of_a_run_name_every_class(tmp_path: Path) -> None:
    pictures = [encoded(colour) for colour in ("blue", "red", "lime")]
    data = LabelledPictures(
        class_names=tuple(CLASSES), labels=np.array([0, 2, 2]), read=lambda: iter(pictures)
    )
    scores = evaluate_closed_set(classifier(CLASSES), data)
    rows = scores.as_rows(dataset="colours")
    table = metric_table(rows, title="colours")
    assert table.rows[0][:2] == ("top1", pytest.approx(200 / 3))
    assert table.rows[-1] == ("failed", 0.0, None, None)
    write_closed_set(tmp_path, scores, ["blue", "lime", "red, dark"], rows, table)
    assert (tmp_path / "per_class.csv").read_text().splitlines() == [
        "class,pictures,right,accuracy %",
        "blue,1,1,100.0",
        "lime,0,0,",
        '"red, dark",2,1,50.0',
    ]
    assert (tmp_path / "confusion.csv").read_text().splitlines() == [
        'class,blue,lime,"red, dark"',
        "blue,1,0,0",
        "lime,0,0,0",
        '"red, dark",0,1,1',
    ]
    written = json.loads((tmp_path / "metrics.json").read_text())
    assert [row["metric"] for row in written] == ["top1", "top3", "ece", "called_unknown", "failed"]
    assert {path.name for path in tmp_path.iterdir()} == {
        "confusion.csv",
        "metrics.json",
        "per_class.csv",
        "table.csv",
        "table.html",
        "table.md",
    }
