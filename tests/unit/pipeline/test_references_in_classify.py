from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Sequence
from operator import mul
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sightglass import ZeroShotClassifier
from sightglass.decisions import Evidence
from sightglass.encoders.embeddings import Embeddings
from sightglass.encoders.synthetic import SyntheticEncoder
from sightglass.errors import InputError, UnknownNameError
from sightglass.inputs.references import ReferencePicture, ReferenceSet, reference_set
from sightglass.reports.prediction import Prediction

COLOURS = {"red": (255, 0, 0), "green": (0, 128, 0), "blue": (0, 0, 255)}
NAMES = list(COLOURS)


class Twin(SyntheticEncoder):
    """The same rows under another fingerprint: another encoder to all who ask."""

    fingerprint = "twin"


class Wide(SyntheticEncoder):
    """Rows of 512 numbers: with so many, the order of a sum shows in its last digits."""

    fingerprint = "wide"
    card = SyntheticEncoder().card.model_copy(update={"dim": 512})  # type: ignore[assignment]
    _to_wide = np.random.default_rng(0).standard_normal((27, 512))

    def encode_images(self, pictures: Sequence[np.ndarray]) -> Embeddings:
        """One row at a time, so that the rows at least do not depend on the batch."""
        narrow = super().encode_images(pictures).rows.astype(np.float64)
        return Embeddings.of(
            np.array([(row[:, None] * self._to_wide).sum(axis=0) for row in narrow]),
            fingerprint=self.fingerprint,
        )


def png(colour: tuple[int, ...], seed: int = 0) -> bytes:
    """A picture near ``colour``; another one for every seed."""
    noise = np.random.default_rng(seed).integers(-20, 21, 3)
    near = np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(np.tile(near, (9 + seed, 7, 1))).save(stream, "PNG")
    return stream.getvalue()


def folder_of(root: Path, shown: dict[str, tuple[int, ...]], *, each: int) -> Path:
    for name, colour in shown.items():
        (root / name).mkdir(parents=True)
        for number in range(each):
            (root / name / f"{number}.png").write_bytes(png(colour, seed=number))
    return root


def classifier(references: Path | ReferenceSet | None, **options: object) -> ZeroShotClassifier:
    given: dict[str, Any] = {"vision_model": Twin(), "store": None} | options
    return ZeroShotClassifier(NAMES, model="synthetic:colours", references=references, **given)


def evidence_in(prediction: Prediction) -> Evidence:
    assert prediction.decision is not None
    assert prediction.decision.evidence is not None
    return prediction.decision.evidence


@pytest.fixture
def pictures() -> list[bytes]:
    return [png(COLOURS[NAMES[n % 3]], seed=100 + n) for n in range(60)]


@pytest.mark.parametrize(
    "weighting", ["stacked", "inverse_entropy", "exp_neg_entropy", "max", "fixed"]
)
def test_good_references_give_three_opinions_and_the_right_answer(
    tmp_path: Path, pictures: list[bytes], weighting: str
) -> None:
    references = folder_of(tmp_path, COLOURS, each=12)
    result = classifier(references, weighting=weighting).predict(pictures)
    assert [p.decision.top[0][0] for p in result if p.decision] == [NAMES[n % 3] for n in range(60)]
    assert np.allclose(result.probabilities.sum(axis=1), 1, atol=1e-5)
    evidence = result.predictions[0].decision.evidence  # type: ignore[union-attr]
    assert evidence is not None
    assert [o.alignment for o in evidence.opinions] == ["text_image", "image_image", "vision_only"]
    assert sum(o.weight for o in evidence.opinions) == pytest.approx(1)
    assert {one.label for one in evidence.nearest} == {"red"}
    fusion = result.run["fusion"]
    assert fusion["weighting"] == weighting
    assert fusion["calibration"]["references"] == 36


@pytest.mark.parametrize("each", [1, 12])
def test_references_of_the_wrong_classes_are_dropped_and_the_names_decide(
    tmp_path: Path, pictures: list[bytes], each: int
) -> None:
    turned = dict(zip(NAMES, [COLOURS["green"], COLOURS["blue"], COLOURS["red"]], strict=True))
    references = folder_of(tmp_path, turned, each=each)
    result = classifier(references).predict(pictures)
    assert [p.decision.top[0][0] for p in result if p.decision] == [NAMES[n % 3] for n in range(60)]
    used = {one["name"]: one["used"] for one in result.run["fusion"]["alignments"]}
    assert used == {"text_image": True, "image_image": False, "vision_only": False}


def test_a_class_without_references_can_still_be_the_answer(
    tmp_path: Path, pictures: list[bytes]
) -> None:
    some = {name: COLOURS[name] for name in ("red", "green")}
    result = classifier(folder_of(tmp_path, some, each=3)).predict(pictures)
    assert result.run["fusion"]["references"]["without"] == ["blue"]
    answers = [p.decision.top[0][0] for p in result if p.decision]
    assert answers[2::3] == ["blue"] * 20


def test_a_picture_is_never_its_own_evidence(pictures: list[bytes]) -> None:
    chosen = [ReferencePicture(source=(f"{n}", pictures[n]), class_index=n % 3) for n in range(30)]
    result = classifier(reference_set(chosen, n_classes=3)).predict(pictures)
    for prediction, data in zip(result, pictures, strict=True):
        nearest = evidence_in(prediction).nearest
        assert hashlib.sha256(data).hexdigest() not in {one.sha256 for one in nearest}


def test_batches_change_nothing(tmp_path: Path, pictures: list[bytes]) -> None:
    references = folder_of(tmp_path, COLOURS, each=4)
    one, many = (classifier(references, batch_size=size).predict(pictures) for size in (1, 32))
    assert np.array_equal(one.probabilities, many.probabilities)
    assert np.array_equal(one.unknown_scores, many.unknown_scores)
    assert one.run["fusion"] == many.run["fusion"]


def test_the_nearest_references_are_those_of_exact_sums_whatever_the_batch(
    tmp_path: Path, pictures: list[bytes]
) -> None:
    references = folder_of(tmp_path, COLOURS, each=40)
    found = []
    for size in (1, 7, 32):
        made = classifier(references, batch_size=size, vision_model=Wide())
        found.append([(p.as_row(), evidence_in(p).nearest) for p in made.predict(pictures)])
    assert found[0] == found[1] == found[2]

    assert made.opinions is not None
    space = made.opinions.spaces["vision_only"]
    encoder = Wide()
    prepared = [encoder.prepare(Image.open(io.BytesIO(data))) for data in pictures]
    for row, (_, nearest) in zip(
        space.of(encoder.encode_images(prepared).rows), found[0], strict=True
    ):
        cosines = [math.fsum(map(mul, row.tolist(), other)) for other in space.rows.tolist()]
        best = sorted(range(120), key=lambda place: (-cosines[place], place))[:3]
        of_wide = [one for one in nearest if one.alignment == "vision_only"]
        assert [one.name for one in of_wide] == [
            made.opinions.references.pictures[place].name for place in best
        ]
        assert [one.similarity for one in of_wide] == pytest.approx(
            [cosines[place] for place in best], abs=1e-14
        )


def test_a_picture_that_is_one_of_three_references_has_the_two_others_nearest(
    pictures: list[bytes],
) -> None:
    chosen = [ReferencePicture(source=(f"{n}", pictures[n]), class_index=n) for n in range(3)]
    result = classifier(reference_set(chosen, n_classes=3)).predict(pictures[:4])
    for prediction, others in zip(result, ("12", "02", "01", "012"), strict=True):
        nearest = evidence_in(prediction).nearest
        for alignment in ("image_image", "vision_only"):
            names = [one.name for one in nearest if one.alignment == alignment]
            assert sorted(names) == list(others)


def test_copies_and_damaged_files_do_not_disturb_the_calibration(
    tmp_path: Path, pictures: list[bytes]
) -> None:
    references = folder_of(tmp_path, COLOURS, each=4)
    (references / "red" / "broken.png").write_bytes(b"not a picture")
    plain = classifier(references).predict(pictures)
    doubled = classifier(references).predict([*pictures, b"", *pictures])
    assert doubled.run["fusion"] == plain.run["fusion"]
    assert np.array_equal(doubled.probabilities[:60], plain.probabilities)
    assert "broken.png" in plain.run["fusion"]["warnings"][0]


def test_a_single_picture_without_company_is_answered_with_defaults(tmp_path: Path) -> None:
    result = classifier(folder_of(tmp_path, COLOURS, each=1)).predict(png(COLOURS["blue"], seed=7))
    assert [p.decision.top[0][0] for p in result if p.decision] == ["blue"]
    sources = {one["name"]: one["scale_source"] for one in result.run["fusion"]["alignments"]}
    assert sources == {"text_image": "card", "image_image": "default", "vision_only": "default"}


def test_references_that_cannot_be_opened_or_stand_for_two_classes_are_refused(
    tmp_path: Path, pictures: list[bytes]
) -> None:
    broken = reference_set([ReferencePicture(source=("a", b"junk"), class_index=0)], n_classes=3)
    with pytest.raises(InputError, match="none of 1 can"):
        classifier(broken).predict(pictures)
    twice = reference_set(
        [ReferencePicture(source=(str(n), pictures[0]), class_index=n) for n in range(2)],
        n_classes=3,
    )
    with pytest.raises(InputError, match="the same picture in two classes"):
        classifier(twice).predict(pictures)


def test_an_unknown_weighting_answers_with_the_closest(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'stacked'"):
        classifier(folder_of(tmp_path, COLOURS, each=1), weighting="staked")


def test_the_unknown_rule_says_that_references_had_a_say(
    tmp_path: Path, pictures: list[bytes]
) -> None:
    result = classifier(folder_of(tmp_path, COLOURS, each=4)).predict(pictures)
    assert "by its references" in result.run["unknown"]["meaning"]
    assert "near miss" in result.run["unknown"]["meaning"]
    plain = classifier(None).predict(pictures)
    assert "references" not in plain.run["unknown"]["meaning"]


def test_a_class_books_sentences_reach_the_class(tmp_path: Path) -> None:
    book = tmp_path / "book.yaml"
    book.write_text(
        "format: sightglass-class-book-1\nclasses:\n- name: thing\n  prompts: [something blue]\n"
        "- name: red\n"
    )
    plain = ZeroShotClassifier(["thing", "red"], model="synthetic:colours", store=None)
    taught = ZeroShotClassifier(str(book), model="synthetic:colours", store=None)
    blue = Image.new("RGB", (9, 9), "blue")
    assert taught.predict(blue).probabilities[0, 0] > plain.predict(blue).probabilities[0, 0]
    assert taught.predict(blue).run["extra_prompts"] == [["something blue"], []]


def test_the_model_itself_is_no_second_opinion(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="its opinion would count twice"):
        ZeroShotClassifier(
            NAMES,
            model="synthetic:colours",
            vision_model="synthetic:colours",
            references=folder_of(tmp_path, COLOURS, each=1),
            store=None,
        )


def test_a_set_made_for_other_classes_is_refused(pictures: list[bytes]) -> None:
    made = reference_set([ReferencePicture(source=("a", pictures[0]), class_index=0)], n_classes=7)
    with pytest.raises(InputError, match=r"made for these 3 classes is needed, got one .* for 7"):
        classifier(made)


def test_dropped_opinions_are_among_the_warnings(tmp_path: Path, pictures: list[bytes]) -> None:
    result = classifier(folder_of(tmp_path, {"red": COLOURS["red"]}, each=3)).predict(pictures)
    assert result.run["fusion"]["warnings"] == [
        f"{name}: dropped: only 1 of 3 classes have references; half of them, and two at least, "
        f"are needed."
        for name in ("image_image", "vision_only")
    ]


def test_a_few_pictures_cannot_check_references_that_leave_a_class_out(
    tmp_path: Path, pictures: list[bytes]
) -> None:
    some = {name: COLOURS[name] for name in ("red", "green")}
    result = classifier(folder_of(tmp_path, some, each=20)).predict(pictures[:6])
    used = [one["name"] for one in result.run["fusion"]["alignments"] if one["used"]]
    assert used == ["text_image"]
    assert "too few pictures to see what that does" in result.run["fusion"]["warnings"][0]
