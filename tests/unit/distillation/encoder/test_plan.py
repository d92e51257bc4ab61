from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pair_layouts import encoded, numbered_png, write_parquet
from sightglass.distillation.encoder.plan import plan_lines
from sightglass.distillation.encoder.recipe import recipe_of
from sightglass.errors import InputError

IMAGE = {"kind": "convolutional", "size": 32, "stages": [[8, 2, 1, 1], [16, 2, 1, 1]]}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty labelled pictures without captions."""
    columns = {
        "image": encoded([numbered_png(number) for number in range(40)]),
        "label": pa.array([number % 2 for number in range(40)]),
    }
    path = tmp_path_factory.mktemp("plan") / "data.parquet"
    return write_parquet(path, columns, names={"label": ("cat", "dog")})


def plan(path: Path, **entries: Any) -> list[str]:
    whole = {
        "name": "mine",
        "seed": 3,
        "data": [{"path": str(path)}],
        "student": {"dim": 16, "image": IMAGE},
        "teachers": {"image": {"model": "t.onnx", "features": "f", "maps": ["a", "b", "c"]}},
        "phases": [
            {
                "name": "stages",
                "pictures": 96,
                "size": 32,
                "staged": True,
                "losses": {"maps": 1, "features": 0.5},
            }
        ],
        "batch_size": 16,
        "optimiser": {"kind": "sgd", "lr": 0.1, "warmup_steps": 0, "schedule": "constant"},
    }
    return plan_lines(recipe_of(whole | entries, where="plan"), processes=1)


def test_a_plan_counts_what_is_there_and_what_will_be_done(data: Path) -> None:
    lines = plan(data)
    assert lines[0] == "name            mine, seed 3, fp32"
    assert lines[1].endswith("data.parquet: 40 pictures, 2 class names")
    # By hand. Stem: 3·3·3·24 + 48. Stages: 24·24·9 + 48 + 24·8 + 16 and 8 -> 16, and to 1,280.
    stem, first = 648 + 48, 24 * 24 * 9 + 48 + 24 * 8 + 16
    second, before_pooling = 8 * 16 * 9 + 32 + 16 * 16 + 32, 16 * 1280 + 2560
    head = 1280 * 16 + 16
    total = stem + first + second + before_pooling + head
    assert lines[2] == f"image tower     convolutional, {total:,} parameters"
    assert lines[3] == "teacher         t.onnx: pictures"
    # 96 of 40 pictures are 2.4 passes.
    assert lines[4] == (
        "phase           stages: 6 steps, 2.4 times the data at 32 pixels, stage by stage; loss: "
        "0.5 features + 1 maps"
    )
    assert lines[5] == "batch           16 pictures; sgd, rate 0.1, constant"
    assert len(lines) == 6


def test_a_plan_refuses_what_a_run_would(data: Path) -> None:
    text = {"kind": "word_table"}
    with pytest.raises(InputError, match="compare pictures with captions, the data have none"):
        plan(
            data,
            student={"dim": 16, "image": IMAGE, "text": text},
            phases=[{"name": "a", "epochs": 1, "losses": {"contrastive": {}}}],
        )
    with pytest.raises(InputError, match="a batch of 41 needs as many, the data have 40"):
        plan(
            data,
            data=[{"path": str(data), "captions": "class"}],
            student={"dim": 16, "image": IMAGE, "text": text},
            phases=[{"name": "a", "epochs": 1, "losses": {"contrastive": {}}}],
            batch_size=41,
        )


def test_all_teachers_are_named(data: Path) -> None:
    lines = plan(
        data,
        student={"dim": 16, "image": IMAGE, "text": {"kind": "word_table"}},
        teachers={
            "pairs": [{"model": "mini"}, {"model": "hf:a/b", "weight": 2}],
            "named": [{"model": "mini", "references": "refs"}, {"model": "labels", "weight": 0.5}],
        },
        words={"teachers": [{"model": "hf:a/s", "weight": 0.7}], "steps": 1200},
        phases=[{"name": "a", "epochs": 1, "losses": {"named": 1}, "freeze": ["text"]}],
    )
    told = [line.split(maxsplit=1)[1] for line in lines if line.startswith("teacher")]
    assert told == [
        "mini: pairs, weight 1",
        "hf:a/b: pairs, weight 2",
        "mini and references in refs: class names, weight 1",
        "labels: class names, weight 0.5",
        "hf:a/s: texts, weight 0.7",
    ]
    assert "words           1,200 steps of 512" in lines
    assert any("2 steps, 0.8 times the data, text frozen; loss: 1 named" in line for line in lines)
