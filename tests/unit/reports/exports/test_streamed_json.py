from __future__ import annotations

import io
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sightglass.reports.exports.streamed_json import write_list, write_mapping

VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.text(), st.lists(st.text()))


@given(st.lists(VALUES))
def test_a_list_comes_back_as_it_was(items: list[Any]) -> None:
    stream = io.StringIO()
    write_list(stream, iter(items))
    assert json.loads(stream.getvalue()) == items


@given(st.dictionaries(st.text(), VALUES))
def test_a_mapping_comes_back_as_it_was(items: dict[str, Any]) -> None:
    stream = io.StringIO()
    write_mapping(stream, iter(items.items()))
    assert json.loads(stream.getvalue()) == items
