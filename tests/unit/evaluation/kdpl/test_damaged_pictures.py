from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from kdpl_layouts import write_prepared
from planned_learner import PlannedLearner
from sightglass.errors import EvaluationError
from sightglass.evaluation.kdpl.measured import NOVEL, About
from sightglass.evaluation.kdpl.plan import Plan
from sightglass.evaluation.kdpl.suite import run_suite

ABOUT = About(student="hf:small", teacher="hf:large", shots=2)


class Stumbling(PlannedLearner):
    """Cannot read the test pictures of one data set; learns nothing before it has seen all."""

    def zero_shot(
        self, who: str, pictures: Sequence[str], class_names: Sequence[str], template: str
    ) -> np.ndarray:
        assert not self.learnt, "a test picture is looked at first after a training"
        if "dtd" in pictures[0]:
            raise EvaluationError(f"{pictures[0]}: every test picture is needed.")
        return super().zero_shot(who, pictures, class_names, template)


def test_a_data_set_with_a_damaged_test_picture_is_left_out_before_anything_is_learned(
    tmp_path: Path,
) -> None:
    write_prepared(tmp_path, "dtd")
    write_prepared(tmp_path, "eurosat")
    learner = Stumbling()
    plan = Plan(about=ABOUT, hosts=("vpt",), seeds=(1,), protocols=(NOVEL,))
    found = run_suite(tmp_path, learner, plan)
    assert {row.dataset for row in found.rows} == {"eurosat"}
    assert any(
        remark.startswith(f"DTD: left out of {NOVEL}. ") and "every test picture" in remark
        for remark in found.remarks
    )
    assert not any("dtd" in path for one in learner.learnt for path in one["pictures"])
    assert learner.learnt
