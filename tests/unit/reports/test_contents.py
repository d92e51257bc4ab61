from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sightglass.reports.contents import Contents, Picture

HASHES = st.sampled_from(["aa", "bb", "cc", "dd", "ee", "ff"])
CONFIDENCE = st.none() | st.floats(0, 1)


@given(st.lists(st.tuples(HASHES, st.integers(0, 3), CONFIDENCE)), st.lists(HASHES))
def test_pictures_are_numbered_as_they_come_and_references_after_them(
    files: list[tuple[str, int, float | None]], references: list[str]
) -> None:
    contents = Contents(iter(files))
    contents.add_references(iter(references))

    first: dict[str, tuple[int, float | None]] = {}
    for sha256, label, confidence in files:
        first.setdefault(sha256, (label, confidence))
    assert list(contents.pictures()) == [
        Picture(
            sha256=sha256,
            label=label,
            confidence=confidence,
            files=sum(one == sha256 for one, _, _ in files),
        )
        for sha256, (label, confidence) in first.items()
    ]
    assert contents.n_pictures == len(first)
    every = list(dict.fromkeys([*first, *references]))
    assert list(contents) == [contents[number] for number in range(len(contents))] == every
    assert [contents.number(sha256) for sha256 in every] == list(range(len(every)))


def test_what_is_none_of_them_has_no_number() -> None:
    contents = Contents([("aa", 0, 0.5)])
    assert contents.number("bb") is None
    assert contents.number(None) is None
