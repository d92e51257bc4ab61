"""What comes back from Ray, without Ray."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any

import pytest

from sightglass.errors import ModelError, ResultsError
from sightglass.scale.answers import Answer
from sightglass.scale.cluster import ClusterTally, arrived
from sightglass.scale.failures import Failure


class Table:
    """One row, as Arrow gives it."""

    def __init__(self, shard: int, reply: Answer | Failure, node: str = "n") -> None:
        self._row = {"shard": shard, "reply": pickle.dumps(reply), "node": node}

    def to_pylist(self) -> list[dict[str, Any]]:
        return [self._row]


def failing(error: Exception) -> Iterator[Any]:
    yield Table(4, Answer(rows=[{"path": "a"}]))
    raise error


def test_answers_come_with_their_numbers_and_are_counted() -> None:
    tally = ClusterTally()
    tables = [Table(n, Answer(rows=[{"path": str(n)}]), node) for n, node in ((3, "x"), (1, "y"))]
    counts = iter([2, 3, 5])
    found = [(n, one.rows) for n, one in arrived(tables, lambda: next(counts), tally)]
    assert found == [(3, [{"path": "3"}]), (1, [{"path": "1"}])]
    assert (tally.begun, tally.arrived, tally.answered) == (5, 2, {"x", "y"})


def test_what_a_worker_raised_is_raised_here() -> None:
    tables = [Table(0, Failure.of(ModelError("model: is damaged. Fetch it again.")))]
    with pytest.raises(ModelError, match=r"^model: is damaged\. Fetch it again\.$"):
        list(arrived(tables, lambda: 1, ClusterTally()))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(28, "No space left on device"), r"\[Errno 28\] No space left on device"),
        (RuntimeError("the cluster is gone\nmore"), "the cluster is gone"),
        (TimeoutError(), "TimeoutError"),
        (
            RuntimeError(
                'The actor died, \x1b[36mray::Map()\x1b[39m\n  File "a.py", line 1, in b\n'
                "ModuleNotFoundError: No module named 'sightglass'\n\n"
                "ray.exceptions.UserCodeException: UDF failed"
            ),
            "ModuleNotFoundError: No module named 'sightglass'",
        ),
        (RuntimeError("\x1b[36mray::Map()\x1b[39m (pid=1)"), r"ray::Map\(\) \(pid=1\)"),
    ],
)
def test_what_ray_raises_is_one_sentence_and_no_fault_of_the_tables(
    error: Exception, said: str
) -> None:
    coming = arrived(failing(error), lambda: 1, ClusterTally())
    assert next(coming)[0] == 4
    with pytest.raises(ResultsError, match=rf"it failed \({said}\)\. Finished shards are kept"):
        next(coming)
