from __future__ import annotations

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from sightglass.reports.first_seen import FirstSeen

FILES = st.lists(
    st.tuples(st.binary(max_size=2), st.text(st.characters(exclude_categories=()), max_size=5))
)


@given(FILES)
def test_it_answers_as_a_dictionary_does(files: list[tuple[bytes, str]]) -> None:
    first_seen, plain = FirstSeen(), dict[bytes, str]()
    answers = [first_seen.setdefault(content, path) for content, path in files]
    assert answers == [plain.setdefault(content, path) for content, path in files]


def test_nothing_of_a_file_stays_in_memory() -> None:
    first_seen = FirstSeen()
    tracemalloc.start()
    for number in range(5_000):
        first_seen.setdefault(number.to_bytes(32, "big"), f"photos/{number:09d}.jpg")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000 * 10  # a dictionary holds some 250 bytes for each
    assert first_seen.setdefault((4_999).to_bytes(32, "big"), "again") == "photos/000004999.jpg"
