from __future__ import annotations

import numpy as np

from sightglass.alignments import IMAGE_IMAGE, TEXT_IMAGE
from sightglass.fusion.coverage import judged_classes


def test_names_judge_all_and_references_the_classes_that_have_any() -> None:
    labels, none = np.array([2, 2, 0]), np.zeros((0, 4))
    assert judged_classes(TEXT_IMAGE, none, labels).all()
    assert judged_classes(IMAGE_IMAGE, none, labels).tolist() == [True, False, True, False]


def test_a_class_that_no_picture_can_be_compared_with_is_not_judged() -> None:
    pictures = np.array([[-np.inf, -np.inf, 0.1, -np.inf]])
    found = judged_classes(IMAGE_IMAGE, pictures, np.array([2, 0]))
    assert found.tolist() == [False, False, True, False]
