from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sightglass.encoders.registry import load_dual_encoder
from sightglass.encoders.synthetic import SyntheticEncoder
from sightglass.generation.offline_book import describe_offline, pairs_among, reference_means
from sightglass.inputs.labels import LabelSet
from sightglass.inputs.references import read_references
from sightglass.store import open_store

# Colours of CSS; "gizmo" and "gadget" are words that the encoder of colours does not know.
NAMES = LabelSet.of(["red", "crimson", "blue", ["navy", "darkblue"], "lime", "gizmo"])


def painted(folder: Path, **colours: list[tuple[int, int, int]]) -> Path:
    for name, shades in colours.items():
        (folder / name).mkdir(parents=True)
        for number, shade in enumerate(shades):
            Image.new("RGB", (16, 16), shade).save(folder / name / f"{number}.png")
    return folder


def test_names_that_are_near_become_pairs_and_the_book_says_how_it_was_made() -> None:
    book = describe_offline(NAMES, encoder=SyntheticEncoder(), store=open_store(None))
    assert book.source == "offline"
    assert [entry.name for entry in book.classes] == list(NAMES.names)
    assert book.classes[3].synonyms == ("darkblue",)
    assert ("red", "crimson") in [group.classes for group in book.confusable]
    assert not any("gizmo" in group.classes for group in book.confusable)
    assert all(group.shared_features == () for group in book.confusable)
    assert all(entry.description == "" and entry.prompts == () for entry in book.classes)
    origins = [*book.classes, *book.confusable]
    assert {one.origin.by for one in origins if one.origin} == {"synthetic:colours"}
    assert book.notes == (
        "Made without a language model: pairs are classes whose embeddings are near.",
    )


def test_the_bundled_model_knows_what_a_cat_is_taken_for() -> None:
    labels = LabelSet.of(["cat", "dog", "automobile", "truck", "sunflower"])
    book = describe_offline(labels, encoder=load_dual_encoder("mini"), store=open_store(None))
    pairs = [group.classes for group in book.confusable]
    assert ("cat", "dog") in pairs
    assert ("automobile", "truck") in pairs
    assert not any("sunflower" in pair for pair in pairs)


def test_references_show_look_alikes_that_names_do_not(tmp_path: Path) -> None:
    names = LabelSet.of([f"gizmo {letter}" for letter in "abcdefgh"])
    shades = [(255, 0, 0), (250, 0, 10), (0, 255, 0), (0, 0, 255), (255, 255, 0), (0, 255, 255)]
    painted(
        tmp_path, **{f"gizmo {letter}": [s] for letter, s in zip("abcdef", shades, strict=True)}
    )
    encoder, store = SyntheticEncoder(), open_store(None)
    without = describe_offline(names, encoder=encoder, store=store)
    shown = read_references(tmp_path, names)
    book = describe_offline(names, encoder=encoder, store=store, references=shown)
    before, after = ({group.classes for group in one.confusable} for one in (without, book))
    assert after - before == {("gizmo a", "gizmo b")}
    assert before <= after


def test_a_class_row_is_the_unit_mean_of_its_references(tmp_path: Path) -> None:
    names = LabelSet.of(["sun", "grass", "sea"])
    painted(tmp_path, sun=[(255, 0, 0), (255, 255, 0)], sea=[(0, 0, 255)])
    encoder = SyntheticEncoder()
    rows, shown = reference_means(
        read_references(tmp_path, names), encoder=encoder, store=open_store(None)
    )
    assert shown.tolist() == [True, False, True]
    pixels = [np.full((8, 8, 3), shade, np.uint8) for shade in [(255, 0, 0), (255, 255, 0)]]
    mean = encoder.encode_images(pixels).rows.astype(np.float64).mean(axis=0)
    np.testing.assert_allclose(rows[0], mean / np.linalg.norm(mean), atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(rows[shown], axis=1), 1, atol=1e-6)
    assert not rows[1].any()


def test_a_damaged_reference_is_left_out_with_a_warning(tmp_path: Path) -> None:
    names = LabelSet.of(["sun", "sea"])
    painted(tmp_path, sun=[(255, 0, 0)], sea=[(0, 0, 255)])
    (tmp_path / "sea" / "0.png").write_bytes(b"not a picture")
    references = read_references(tmp_path, names)
    with pytest.warns(UserWarning, match=r"0\.png is left out"):
        _, shown = reference_means(references, encoder=SyntheticEncoder(), store=open_store(None))
    assert shown.tolist() == [True, False]


def test_indices_of_pairs_count_classes_without_references_too() -> None:
    # All at right angles but the first two of those shown, which nearly agree (cosine 0.995): of
    # 36 cosines 34 are 0, so the mean is 0.03, the deviation 0.16, and 0.995 stands out.
    rows = np.insert(np.eye(8), 1, [0.995, 0.0998, 0, 0, 0, 0, 0, 0], axis=0)
    shown = np.array([True, False, True, True, True, True, False, True, True, True, True])
    spread = np.zeros((11, 8), np.float32)
    spread[shown] = rows
    assert pairs_among(spread, shown) == {(0, 2)}
    assert pairs_among(spread[:2], shown[:2]) == set()
