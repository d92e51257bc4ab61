"""Processes that hang: a row for the picture, the answers of all others, and no process left."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from colour_photos import COLOURS, save
from sightglass.scale import model_process
from sightglass.scale.answers import Answer, answer_of
from sightglass.scale.failures import Failure
from sightglass.scale.model_process import ModelProcess
from sightglass.scale.patience import Patience
from sightglass.scale.plan import plan_of
from sightglass.scale.settings import ClassifierSettings
from sightglass.scale.worker import Worker, _Loss

# Python runs this at start. Pictures 13 pixels wide stop whoever decodes them for an hour, inside C
# and without giving way to another thread, as a decoder with a defect does; those 17 wide take a
# fifth of a second, one of each height.
HANGING = """
import ctypes, time
from PIL.ImageFile import ImageFile
load, slow = ImageFile.load, set()
def hanging(image):
    if image.width == 13:
        ctypes.PyDLL(None).sleep(3600)
    if image.width == 17 and image.height not in slow:
        slow.add(image.height)
        time.sleep(0.2)
    return load(image)
ImageFile.load = hanging
"""
SHORT = Patience(start=60, near=1.5, picture=0, passes=0)
SETTINGS = ClassifierSettings(classes=COLOURS, model="synthetic:colours", store=None, batch_size=2)


@pytest.fixture
def at_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Has every Python that is begun from here run a text first."""

    def plant(text: str) -> None:
        (tmp_path / "start").mkdir()
        (tmp_path / "start" / "sitecustomize.py").write_text(text)
        monkeypatch.syspath_prepend(str(tmp_path / "start"))

    return plant


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[ModelProcess]]:
    """All that were; ended with the test."""
    made: list[ModelProcess] = []
    begin = ModelProcess.__init__

    def noted(process: ModelProcess, processors: int) -> None:
        begin(process, processors)
        made.append(process)

    monkeypatch.setattr(ModelProcess, "__init__", noted)
    yield made
    for one in made:
        one.kill()


def worker(patience: Patience = SHORT) -> Worker:
    return Worker(
        plan_of(SETTINGS.classifier(), SETTINGS, ["/"], own_stores=True), patience=patience
    )


def assert_gone(process: ModelProcess) -> None:
    """Dead, and no zombie either."""
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)


def test_a_picture_that_hangs_the_decoder_is_a_row_and_the_others_are_answered(
    tmp_path: Path, at_start: Callable[[str], None], begun: list[ModelProcess]
) -> None:
    sources = [str(save(tmp_path / f"{n}.png", COLOURS[n])) for n in range(2)]
    undisturbed = answer_of(SETTINGS.classifier(), sources).rows
    Image.new("RGB", (13, 5), "blue").save(sources[0])
    at_start(HANGING)
    made = worker()
    answer = made.answer(sources, [0, 1])
    made.close()
    assert isinstance(answer, Answer)
    assert answer.rows[1] == undisturbed[1]
    assert [row["path"] for row in answer.rows] == sources
    assert answer.rows[0]["outcome"] == "unreadable"
    assert answer.rows[0]["detail"] == "the process that read it was silent for 2 s, 2 times"
    assert set(answer.thumbnails) == {undisturbed[1]["sha256"]}
    assert made.lost == 3  # over both together, then twice over the one
    assert len(begun) == 4
    for process in begun:
        assert_gone(process)


class Lossy(Worker):
    """Is lost over some names; answers others, with the thumbnails that were asked for."""

    def __init__(self, names: Mapping[str, str]) -> None:
        super().__init__(plan_of(SETTINGS.classifier(), SETTINGS, ["/"], own_stores=True))
        self.names = names

    def _ask(self, sources: Sequence[str], shown: Sequence[int]) -> Answer | _Loss:
        for source in sources:
            if source in self.names:
                self.lost += 1
                return _Loss(self.names[source], "somehow")
        rows = [{"path": source, "outcome": "ok"} for source in sources]
        return Answer(rows=rows, thumbnails={sources[place]: b"" for place in shown})


def test_a_long_shard_is_silent_four_times_over_one_picture() -> None:
    made = Lossy({"777": "was silent"})
    answer = made.answer([f"{n}" for n in range(1024)])
    assert isinstance(answer, Answer)
    assert [row["path"] for row in answer.rows] == [f"{n}" for n in range(1024)]
    assert [row["path"] for row in answer.rows if row["outcome"] != "ok"] == ["777"]
    assert made.lost == 4  # over all, over 32, twice over the one


@given(data=st.data(), count=st.integers(1, 70))
def test_no_source_is_lost_or_twice_whatever_the_process_is_lost_over(
    data: st.DataObject, count: int
) -> None:
    sources = [f"{n}" for n in range(count)]
    names = data.draw(
        st.dictionaries(st.sampled_from(sources), st.sampled_from(["died", "was silent"]))
    )
    shown = sorted(data.draw(st.sets(st.integers(0, count - 1))))
    answer = Lossy(names).answer(sources, shown)
    assert isinstance(answer, Answer)
    assert [row["path"] for row in answer.rows] == sources
    assert {row["path"] for row in answer.rows if row["outcome"] == "unreadable"} == set(names)
    assert set(answer.thumbnails) == {sources[place] for place in shown} - set(names)


def test_a_shard_that_takes_longer_than_the_limit_and_gets_on_is_left_alone(
    tmp_path: Path, at_start: Callable[[str], None]
) -> None:
    sources = [str(tmp_path / f"{n:02d}.png") for n in range(12)]
    for number, source in enumerate(sources):
        Image.new("RGB", (17, 5 + number), "lime").save(source)
    at_start(HANGING)
    made = worker(Patience(start=60, near=1.8, picture=0, passes=0))  # 12 take 2.4 s
    answer = made.answer(sources)
    made.close()
    assert isinstance(answer, Answer)
    assert [row["label"] for row in answer.rows] == ["lime"] * 12
    assert made.lost == 0


def test_progress_is_called_once_for_each_source_and_each_row_and_no_more(tmp_path: Path) -> None:
    sources = [str(save(tmp_path / f"{n}.png", COLOURS[n])) for n in range(3)]
    calls: list[None] = []
    answer_of(SETTINGS.classifier(), [*sources, "gone.png"], progress=lambda: calls.append(None))
    assert len(calls) == 4 + 4


def test_a_model_that_hangs_while_it_is_loaded_is_a_failure_and_no_row(
    at_start: Callable[[str], None], begun: list[ModelProcess]
) -> None:
    at_start("import time; time.sleep(3600)")
    failure = worker(Patience(start=0.6)).answer(["a.png", "b.png"])
    assert isinstance(failure, Failure)
    assert failure.kind == "ModelError"
    assert (
        "must start, it was silent for 1 s, before it read any picture. See that every machine can"
        in failure.message
    )
    assert len(begun) == 1
    assert_gone(begun[0])


def test_a_process_that_reads_nothing_holds_nobody_up(at_start: Callable[[str], None]) -> None:
    at_start("import time; time.sleep(3600)")
    process = ModelProcess(1)
    for _ in range(2):
        process.tell(b"\0" * 10_000_000)  # far more than a pipe takes
    with pytest.raises(TimeoutError):
        process.hear(0.1)
    process.kill()
    assert_gone(process)


def test_half_a_value_is_none_whether_its_sender_hangs_or_dies(
    at_start: Callable[[str], None], tmp_path: Path
) -> None:
    half = "import os, time; os.write(1, bytes([0] * 7 + [9]) + b'abc');"
    at_start(f"{half} time.sleep(3600)")
    process = ModelProcess(1)
    with pytest.raises(TimeoutError):
        process.hear(0.3)
    process.kill()
    (tmp_path / "start" / "sitecustomize.py").write_text(f"{half} os._exit(3)")
    process = ModelProcess(1)
    with pytest.raises(EOFError):
        process.hear(60)
    assert process.last_words() == "with exit code 3"
    assert_gone(process)


def test_a_process_that_was_stopped_is_ended_too(at_start: Callable[[str], None]) -> None:
    at_start("import os, signal; os.kill(os.getpid(), signal.SIGSTOP)")
    process = ModelProcess(1)
    with pytest.raises(TimeoutError):
        process.hear(0.5)
    process.kill()
    assert_gone(process)


def test_one_that_cannot_be_ended_is_left_behind(
    at_start: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    at_start("import os, time; os.close(1); time.sleep(3600)")
    process = ModelProcess(1)
    with monkeypatch.context() as patched:
        # As where it waits for a disk that does not answer.
        patched.setattr(subprocess.Popen, "kill", lambda _: None)
        patched.setattr(model_process, "_LAST_MOMENT", 0.01)
        with pytest.raises(EOFError):
            process.hear(60)
        process.kill()
        assert process.last_words() == "without an exit code"
        os.kill(process.pid, signal.SIGCONT)  # it is there
    process.kill()
    assert_gone(process)
