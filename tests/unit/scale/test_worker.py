from __future__ import annotations

import errno
import io
import os
import re
import signal
import subprocess
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import pytest
from PIL import Image

from colour_photos import COLOURS, save
from sightglass import errors
from sightglass.checks import usable_processors
from sightglass.errors import InputError, ModelError, PictureError, SightglassError
from sightglass.pipeline import ZeroShotClassifier
from sightglass.reports.prediction import Prediction
from sightglass.scale.answers import Answer
from sightglass.scale.computing import serve
from sightglass.scale.failures import Failure
from sightglass.scale.frames import BEAT, Ready, receive, send
from sightglass.scale.plan import plan_of
from sightglass.scale.settings import ClassifierSettings
from sightglass.scale.worker import Worker, _Loss
from sightglass.store import store

# Python runs this at start: pictures 13 pixels wide kill whoever decodes them, as a decoder with
# a defect does.
DEADLY = """
import os, signal
from PIL.ImageFile import ImageFile
load = ImageFile.load
def deadly(image):
    if image.width == 13:
        os.kill(os.getpid(), signal.SIGSEGV)
    return load(image)
ImageFile.load = deadly
"""


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    (tmp_path / "start").mkdir()
    (tmp_path / "start" / "sitecustomize.py").write_text(DEADLY)
    monkeypatch.syspath_prepend(str(tmp_path / "start"))
    settings = ClassifierSettings(classes=COLOURS, model="synthetic:colours", store=None)
    made = Worker(plan_of(settings.classifier(), settings, ["/"], own_stores=True))
    yield made
    made.close()


def test_the_picture_that_kills_is_a_row_and_the_others_are_answered(
    tmp_path: Path, worker: Worker
) -> None:
    sources = [str(save(tmp_path / f"{n}.png", COLOURS[n])) for n in range(2)]
    Image.new("RGB", (13, 5), "lime").save(sources[1])
    answer = worker.answer(sources, [0, 1])
    assert isinstance(answer, Answer)
    assert [row["path"] for row in answer.rows] == sources
    assert [row["label"] for row in answer.rows] == ["red", None]
    assert answer.rows[1]["outcome"] == "unreadable"
    assert answer.rows[1]["detail"] == "the process that read it died 2 times, killed by SIGSEGV"
    assert set(answer.thumbnails) == {answer.rows[0]["sha256"]}
    assert answer.thumbnails[answer.rows[0]["sha256"]].startswith(b"\xff\xd8")
    assert worker.lost == 3  # of both together, then twice of the one


def test_halves_are_cut_until_the_one_is_alone_and_places_go_with_them() -> None:
    class Fragile(Worker):
        """Is lost over one name, and answers others with the thumbnails that were asked for."""

        asked: ClassVar[list[list[str]]] = []
        losses: ClassVar[list[_Loss]] = [
            *[_Loss("died", "with exit code 3")] * 4,
            _Loss("was silent", "for 360 s"),
        ]

        def _ask(self, sources: Sequence[str], shown: Sequence[int]) -> Answer | _Loss:
            self.asked.append(list(sources))
            if "deadly" in sources:
                return self.losses.pop(0)
            rows = [{"path": source} for source in sources]
            thumbnails = {sources[place]: b"" for place in shown}
            return Answer(rows=rows, thumbnails=thumbnails, tally={"read": len(sources)})

    settings = ClassifierSettings(classes=COLOURS, model="synthetic:colours", store=None)
    fragile = Fragile(plan_of(settings.classifier(), settings, ["/"], own_stores=True))
    answer = fragile.answer(["a", "b", "c", "deadly", "e"], [0, 2, 3, 4])
    assert isinstance(answer, Answer)
    assert [row["path"] for row in answer.rows] == ["a", "b", "c", "deadly", "e"]
    assert answer.rows[3]["detail"] == (
        "the process that read it died, with exit code 3, then was silent for 360 s"
    )
    assert list(answer.thumbnails) == ["a", "c", "e"]
    assert answer.tally["read"] == 4
    assert fragile.asked == [
        ["a", "b", "c", "deadly", "e"],
        ["a", "b"],
        ["c", "deadly", "e"],
        ["c"],
        ["deadly", "e"],
        ["deadly"],
        ["deadly"],
        ["e"],
    ]


def test_a_process_that_was_killed_once_costs_no_answer(tmp_path: Path, worker: Worker) -> None:
    source = str(save(tmp_path / "a.png", "blue"))
    first = worker.answer([source])
    assert worker._process is not None
    os.kill(worker._process.pid, signal.SIGKILL)
    worker._process._process.wait()
    again = worker.answer([source])
    assert isinstance(first, Answer)
    assert isinstance(again, Answer)
    assert again.rows == first.rows
    assert again.rows[0]["label"] == "blue"


def test_a_model_that_is_not_there_is_a_failure_and_no_row(tmp_path: Path, worker: Worker) -> None:
    plan = worker._plan
    object.__setattr__(plan, "fingerprints", ("0" * 64,))
    failure = worker.answer([str(tmp_path / "a.png")])
    assert isinstance(failure, Failure)
    error = failure.as_error()
    assert isinstance(error, ModelError)
    assert "must be the one of the machine that began the run" in str(error)


def test_a_process_that_cannot_begin_is_a_failure(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_memory(*_: object, **__: object) -> None:
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))

    monkeypatch.setattr(subprocess, "Popen", no_memory)
    failure = worker.answer(["a.png"])
    assert isinstance(failure, Failure)
    assert re.search(r"must start, it cannot \(.+\)\. See that every machine", failure.message)


def test_warnings_of_the_store_come_with_the_answer_and_those_of_others_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = ClassifierSettings(classes=COLOURS, model="synthetic:colours", store=None)
    plan = plan_of(settings.classifier(), settings, ["/"], own_stores=True)
    source = str(save(tmp_path / "a.png", "red"))
    stream = ZeroShotClassifier.stream

    def warning(made: ZeroShotClassifier, sources: Sequence[str]) -> Iterator[Prediction]:
        sources = list(sources)
        if sources == [source]:
            for file in (store.__file__, Image.__file__):
                warnings.warn_explicit(f"from {Path(file).name}", UserWarning, file, 1)
        return stream(made, sources)

    monkeypatch.setattr(
        ZeroShotClassifier, "stream", lambda made, sources, _=None: warning(made, sources)
    )
    requests, replies = io.BytesIO(), io.BytesIO()
    for value in (plan, ([source], []), ([], []), ([source], [])):
        send(requests, value)
    requests.seek(0)
    serve(requests, replies)
    replies.seek(0)
    assert isinstance(receive(replies), Ready)
    said = [receive(replies) for _ in range(2 + 1 + 0 + 1 + 2 + 1)]
    # A beat for each source that is taken and for each row that is made, then the answer.
    assert [one == BEAT for one in said] == [True, True, False, False, True, True, False]
    notes = [one.notes for one in said if isinstance(one, Answer)]
    assert notes == [("from store.py",), (), ("from store.py",)]


def test_serving_ends_when_nobody_asks_any_more() -> None:
    replies = io.BytesIO()
    serve(io.BytesIO(), replies)
    assert replies.getvalue() == b""


def test_frames_come_back_one_by_one() -> None:
    stream = io.BytesIO()
    for value in ({"a": b"\0" * 1000}, None, ["x"]):
        send(stream, value)
    stream.seek(0)
    assert [receive(stream) for _ in range(3)] == [{"a": b"\0" * 1000}, None, ["x"]]
    with pytest.raises(EOFError):
        receive(stream)


def test_half_a_frame_is_the_end() -> None:
    stream = io.BytesIO()
    send(stream, "whole")
    with pytest.raises(EOFError):
        receive(io.BytesIO(stream.getvalue()[:-1]))


def test_an_error_of_ours_comes_back_as_itself_and_another_with_its_trace() -> None:
    raised = [one for one in vars(errors).values() if isinstance(one, type)]
    ours = [one for one in raised if issubclass(one, SightglassError) and one is not PictureError]
    assert len(ours) >= 10
    for kind in ours:
        back = Failure.of(kind("model: is damaged.")).as_error()
        assert (type(back), str(back)) == (kind, "model: is damaged.")
    picture = Failure.of(PictureError("corrupt", "no data")).as_error()
    assert (type(picture), str(picture)) == (InputError, "corrupt: no data")

    class OtherwiseError(ModelError):
        """Of another file than errors.py."""

    other = Failure.of(OtherwiseError("model: is odd.")).as_error()
    assert (type(other), str(other)) == (ModelError, "model: is odd.")
    try:
        raise ZeroDivisionError("by nought")
    except ZeroDivisionError as error:
        other = Failure.of(error).as_error()
    assert type(other) is RuntimeError
    assert "test_worker.py" in str(other)
    assert "by nought" in str(other)


def test_processors_are_as_many_as_the_variable_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SIGHTGLASS_PROCESSORS", raising=False)
    here = usable_processors()
    monkeypatch.setenv("SIGHTGLASS_PROCESSORS", str(here + 3))
    assert usable_processors() == here + 3
    for nonsense in ("", "0", "-1", "many", "²"):
        monkeypatch.setenv("SIGHTGLASS_PROCESSORS", nonsense)
        assert usable_processors() == here
