from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from drawing_model import drawing, png, subject
from sightglass.encoders.registry import load_dual_encoder
from sightglass.errors import GenerationError, InputError
from sightglass.generation.budget import Budget
from sightglass.generation.image_gate import ImageGate
from sightglass.generation.image_plan import ImagePlan
from sightglass.generation.image_source import PromptRefusedError
from sightglass.generation.imagined_folder import HIDDEN, ImaginedFolder, make_folder
from sightglass.generation.imagining import Imagined, imagine
from sightglass.inputs.class_book import ClassBook, ClassEntry, Confusable
from sightglass.inputs.references import (
    Provenance,
    ReferenceRecord,
    read_record,
    read_references,
    write_record,
)

COLOURS = ("red", "lime", "blue", "yellow", "fuchsia", "aqua")
BOOK = ClassBook(
    classes=tuple(ClassEntry(name=name) for name in COLOURS),
    confusable=(Confusable(classes=("red", "yellow"), shared_features=("warmth",)),),
)


@dataclass
class Painter:
    """A source in memory; ``draw`` makes the file of (colour, number)."""

    draw: Callable[[str, int], bytes] = lambda colour, number: png(drawing(colour, number))
    budget: Budget = field(default_factory=lambda: Budget(None, "pictures"))
    name: str = "painter"
    licence: str | None = "CC0"
    uses_seed: bool = True
    size: tuple[int, int] | None = None
    asked: list[tuple[str, int]] = field(default_factory=list)

    def generate(self, prompt: str, seed: int) -> bytes:
        self.budget.spend()
        self.asked.append((prompt, seed))
        return self.draw(subject(prompt), len(self.asked))


Run = Callable[..., Imagined]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Makes pictures in ``tmp_path``; options of the plan by name."""

    def made(source: Painter, *, book: ClassBook = BOOK, **options: Any) -> Imagined:
        make_folder(tmp_path)
        given = {"per_class": 1, "attempts": 3, **options}
        plan = ImagePlan(book, book.labels(), ImaginedFolder(tmp_path), **given)
        gate = ImageGate(load_dual_encoder("synthetic:colours"), plan.labels, size=source.size)
        return imagine(plan, source, gate)

    return made


def names_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*.png")}


def lines(folder: Path) -> list[dict[str, Any]]:
    text = (folder / HIDDEN / "ledger.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_every_class_gets_its_pictures_and_they_can_be_read_as_references(
    run: Run, tmp_path: Path
) -> None:
    done = run(Painter(), per_class=2)
    assert [(one.name, one.present, one.reason) for one in done.classes] == [
        (name, 2, "") for name in COLOURS
    ]
    found = read_references(tmp_path, BOOK.labels())
    assert found.labels.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert all(one.provenance is not None for one in found.pictures)


def test_the_record_says_all_that_is_known_of_a_picture(run: Run, tmp_path: Path) -> None:
    painter = Painter()
    run(painter, seed=5)
    entry = next(e for e in read_record(tmp_path).pictures if e.class_name == "red")
    prompt, seed = painter.asked[0]
    assert entry.path == "red/imagined-001-1.png"
    assert (entry.origin, entry.generator, entry.licence) == ("imagined", "painter", "CC0")
    assert (entry.prompt, entry.seed) == (prompt, seed)
    assert (entry.partner, entry.features) == ("yellow", ("warmth",))
    assert entry.sha256 == hashlib.sha256((tmp_path / entry.path).read_bytes()).hexdigest()
    assert entry.filter_score is not None
    assert entry.created is not None


def test_a_source_without_seeds_has_none_in_the_record(run: Run, tmp_path: Path) -> None:
    run(Painter(uses_seed=False))
    assert {entry.seed for entry in read_record(tmp_path).pictures} == {None}


def test_all_classes_get_their_first_picture_before_any_gets_its_second(run: Run) -> None:
    painter = Painter()
    run(painter, per_class=2)
    assert [subject(prompt) for prompt, _ in painter.asked] == [*COLOURS, *COLOURS]


def test_a_rejected_picture_is_made_anew_with_another_seed_and_variation(
    run: Run, tmp_path: Path
) -> None:
    painter = Painter(draw=lambda c, n: png(drawing("lime" if n == 1 else c, n)))
    run(painter)
    (first, first_seed), (second, second_seed) = painter.asked[:2]
    assert subject(first) == subject(second) == "red"
    assert first != second
    assert first_seed != second_seed
    assert (tmp_path / "red" / "imagined-001-2.png").exists()
    assert (tmp_path / HIDDEN / "rejected" / "red" / "imagined-001-1.png").exists()
    verdicts = [(e["event"], e.get("reason", "")[:11]) for e in lines(tmp_path)[:4]]
    assert verdicts == [("asked", ""), ("rejected", "wrong class"), ("asked", ""), ("accepted", "")]


def test_after_the_last_attempt_a_class_is_short_and_says_why(run: Run, tmp_path: Path) -> None:
    painter = Painter(draw=lambda c, n: png(drawing("lime" if c == "red" else c, n)))
    done = run(painter, per_class=2, attempts=2)
    red = done.classes[0]
    assert (red.present, red.rejected) == (0, 4)
    assert red.reason.startswith("all attempts rejected, at last: wrong class: 'red' comes")
    assert read_record(tmp_path).classes_without == {"red": red.reason}
    assert len(painter.asked) == 4 + 2 * 5
    # Run again it is not tried again, until more attempts are allowed.
    again = Painter()
    assert run(again, per_class=2, attempts=2).classes[0].reason == red.reason
    assert again.asked == []
    assert run(again, per_class=2, attempts=3).classes[0].present == 2
    assert read_record(tmp_path).classes_without == {}


def test_a_refused_class_is_skipped_and_the_others_go_on(run: Run, tmp_path: Path) -> None:
    def draw(colour: str, number: int) -> bytes:
        if colour == "blue":
            raise PromptRefusedError("the generator refuses the prompt: no blue")
        return png(drawing(colour, number))

    painter = Painter(draw=draw)
    done = run(painter, per_class=2)
    assert [one.present for one in done.classes] == [2, 2, 0, 2, 2, 2]
    assert done.classes[2].reason == "the generator refuses the prompt: no blue"
    assert read_record(tmp_path).classes_without == {"blue": done.classes[2].reason}
    assert [subject(prompt) for prompt, _ in painter.asked].count("blue") == 1
    # The same prompt is not sent to the same generator again; to another one it is.
    assert run(painter, per_class=2).classes[2].reason == done.classes[2].reason
    assert [subject(prompt) for prompt, _ in painter.asked].count("blue") == 1
    assert run(Painter(name="bolder"), per_class=2).classes[2].present == 2


def test_a_second_run_has_nothing_to_do(run: Run, tmp_path: Path) -> None:
    run(Painter(), per_class=2)
    before = {name: (tmp_path / name).read_bytes() for name in names_in(tmp_path)}
    record = (tmp_path / "references.json").read_bytes()
    again = Painter()
    run(again, per_class=2)
    assert again.asked == []
    assert {name: (tmp_path / name).read_bytes() for name in names_in(tmp_path)} == before
    assert (tmp_path / "references.json").read_bytes() == record


def test_more_pictures_join_those_that_are_there(run: Run, tmp_path: Path) -> None:
    run(Painter())
    first = names_in(tmp_path)
    more = Painter(draw=lambda c, n: png(drawing(c, 100 + n)))
    run(more, per_class=3)
    assert len(more.asked) == 12
    assert first < names_in(tmp_path)


def test_a_picture_that_a_person_took_out_is_made_anew_and_never_the_same(
    run: Run, tmp_path: Path
) -> None:
    run(Painter())
    gone = (tmp_path / "red" / "imagined-001-1.png").read_bytes()
    (tmp_path / "red" / "imagined-001-1.png").unlink()
    answers = [gone, png(drawing("red", 50))]
    again = Painter(draw=lambda *_: answers.pop(0))
    run(again, attempts=2)
    assert {path.name for path in (tmp_path / "red").iterdir()} == {"imagined-001-3.png"}
    entries = [entry.path for entry in read_record(tmp_path).pictures]
    assert entries == sorted(f"{c}/imagined-001-{3 if c == 'red' else 1}.png" for c in COLOURS)


def test_a_class_that_the_book_now_spells_otherwise_is_not_made_again(
    run: Run, tmp_path: Path
) -> None:
    def spelled(name: str) -> ClassBook:
        return ClassBook(classes=(ClassEntry(name=name), ClassEntry(name="lime")))

    run(Painter(), book=spelled("red_car"))
    again = Painter()
    done = run(again, book=spelled("Red car"))
    assert again.asked == []
    assert [one.present for one in done.classes] == [1, 1]
    assert {entry.path.split("/")[0] for entry in read_record(tmp_path).pictures} == {
        "red_car",
        "lime",
    }


def test_pictures_whose_ledger_is_lost_are_kept_and_not_made_again(
    run: Run, tmp_path: Path
) -> None:
    run(Painter())
    record = read_record(tmp_path)
    shutil.rmtree(tmp_path / HIDDEN)
    again = Painter(draw=lambda c, n: png(drawing(c, 100 + n)))
    run(again, per_class=2)
    assert len(again.asked) == 6
    assert set(record.pictures) < set(read_record(tmp_path).pictures)


def test_a_picture_nearly_like_one_of_an_earlier_run_is_rejected(run: Run, tmp_path: Path) -> None:
    run(Painter(draw=lambda c, _: png(drawing(c, 1))))
    nearly = Painter(draw=lambda c, _: png(drawing(c, 1).resize((40, 40))))
    done = run(nearly, per_class=2, attempts=1)
    assert [one.present for one in done.classes] == [1] * 6
    assert all(
        "nearly" in one.reason and "imagined-001-1.png" in one.reason for one in done.classes
    )


def test_the_budget_stops_the_run_and_the_next_one_goes_on(run: Run, tmp_path: Path) -> None:
    done = run(Painter(budget=Budget(4, "pictures")))
    assert "(pictures: 4 of 4 spent)" in done.stopped
    assert [one.present for one in done.classes] == [1, 1, 1, 1, 0, 0]
    assert {one.reason for one in done.classes[4:]} == {"not made yet"}
    assert read_record(tmp_path).classes_without == {
        "fuchsia": "not made yet",
        "aqua": "not made yet",
    }
    again = Painter()
    assert run(again).stopped == ""
    assert len(again.asked) == 2


def test_a_class_that_was_tried_but_may_be_tried_again_is_not_made_yet(run: Run) -> None:
    black = Painter(draw=lambda *_: png(Image.new("RGB", (9, 9))), budget=Budget(2))
    done = run(black, attempts=3)
    assert done.classes[0].reason == "not made yet"
    assert done.classes[0].rejected == 2


def test_when_the_generator_fails_the_pictures_so_far_are_in_the_record(
    run: Run, tmp_path: Path
) -> None:
    def draw(colour: str, number: int) -> bytes:
        if number == 3:
            raise GenerationError("Asking for a picture: the server must answer.")
        return png(drawing(colour, number))

    with pytest.raises(GenerationError, match="the server must answer"):
        run(Painter(draw=draw))
    assert [entry.class_name for entry in read_record(tmp_path).pictures] == ["lime", "red"]
    again = Painter()
    run(again)
    assert [subject(prompt) for prompt, _ in again.asked] == ["blue", "yellow", "fuchsia", "aqua"]


@pytest.mark.parametrize("useless", [b"<html></html>", png(Image.new("RGB", (64, 64)))])
def test_a_generator_that_gives_nothing_of_use_ten_times_in_a_row_is_left(
    run: Run, useless: bytes
) -> None:
    painter = Painter(draw=lambda *_: useless)
    with pytest.raises(GenerationError, match=r"painter: pictures are needed, 10 times in a row"):
        run(painter)
    assert len(painter.asked) == 10


def test_a_picture_of_another_size_than_was_asked_for_is_rejected(run: Run) -> None:
    done = run(Painter(size=(512, 512), budget=Budget(3)))
    assert done.classes[0].reason.startswith("all attempts rejected, at last: wrong size: 48 x 48")


@pytest.mark.parametrize("names", [("sofa|couch", "a/b"), ("NUL", "café")])
def test_names_that_no_folder_can_bear_come_back_as_references(
    tmp_path: Path, names: tuple[str, str]
) -> None:
    book = ClassBook(
        classes=(ClassEntry(name=names[0]), ClassEntry(name=names[1]), ClassEntry(name="red"))
    )
    plan = ImagePlan(book, book.labels(), ImaginedFolder(tmp_path), per_class=1, attempts=1)
    asked = [plan.request(wish, generator="", licence=None, seeded=False) for wish in plan.wishes()]
    for number, one in enumerate(asked):
        (tmp_path / one.file).parent.mkdir(parents=True)
        (tmp_path / one.file).write_bytes(png(drawing("red", number)))
    assert read_references(tmp_path, book.labels()).labels.tolist() == [0, 1, 2]


def test_what_others_wrote_into_the_record_stays(run: Run, tmp_path: Path) -> None:
    def entry(path: str, origin: str) -> Provenance:
        return Provenance.model_validate(
            {"path": path, "class_name": "red", "origin": origin, "sha256": "0" * 64}
        )

    (tmp_path / "red").mkdir()
    (tmp_path / "red" / "001.png").write_bytes(png(drawing("red", 9)))
    old = ReferenceRecord(
        rule="the most confident",
        pictures=(entry("red/001.png", "harvested"), entry("red/gone.png", "imagined")),
        classes_without={"lime": "no picture was given to it", "tan": "not asked for"},
    )
    write_record(tmp_path, old)
    run(Painter())
    record = read_record(tmp_path)
    assert record.rule == "the most confident"
    assert [one.origin for one in record.pictures] == ["imagined"] * 4 + [
        "harvested",
        "imagined",
    ] + ["imagined"]
    assert record.classes_without == {"tan": "not asked for"}


def test_a_class_with_brought_pictures_is_not_without(run: Run, tmp_path: Path) -> None:
    (tmp_path / "red").mkdir(parents=True)
    (tmp_path / "red" / "mine.png").write_bytes(png(drawing("red", 9)))
    run(Painter(draw=lambda c, n: png(drawing("lime" if c == "red" else c, n))))
    assert read_record(tmp_path).classes_without == {}


def test_a_damaged_record_stops_the_run_before_anything_is_asked(run: Run, tmp_path: Path) -> None:
    (tmp_path / "references.json").write_text("{")
    painter = Painter()
    with pytest.raises(InputError, match="cannot be read as a record"):
        run(painter)
    assert painter.asked == []


class Killed(BaseException):
    """Stands for a kill before the step that it names."""


def test_wherever_a_run_is_cut_off_the_next_one_makes_nothing_twice_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cuts between any two writes, in every place where one is possible, and goes on."""
    steps = {"left": 10**9, "done": 0}

    def counted(name: str) -> None:
        real = getattr(ImaginedFolder, name)

        def step(self: ImaginedFolder, *arguments: Any) -> Any:
            steps["done"] += 1
            if steps["done"] > steps["left"]:
                raise Killed(name)
            return real(self, *arguments)

        monkeypatch.setattr(ImaginedFolder, name, step)

    for name in ("keep", "add", "_place"):
        counted(name)
    encoder = load_dual_encoder("synthetic:colours")

    def go(folder: Path, painter: Painter) -> None:
        make_folder(folder)
        plan = ImagePlan(BOOK, BOOK.labels(), ImaginedFolder(folder), per_class=1, attempts=2)
        imagine(plan, painter, ImageGate(encoder, plan.labels))

    class SeededPainter(Painter):
        """Gives the same picture again for the same seed, and some of them are black."""

        def generate(self, prompt: str, seed: int) -> bytes:
            super().generate(prompt, seed)
            black = Image.new("RGB", (9, 1 + seed % 97))
            return png(black if seed % 3 == 0 else drawing(subject(prompt), seed))

    calm = SeededPainter()
    go(tmp_path / "calm", calm)
    total = steps["done"]
    assert total > 20
    for cut in range(total):
        folder, painter = tmp_path / str(cut), SeededPainter()
        steps.update(left=cut, done=0)
        with pytest.raises(Killed) as killed:
            go(folder, painter)
        steps.update(left=10**9)
        go(folder, painter)
        assert names_in(folder) == names_in(tmp_path / "calm"), cut
        judged = [e for e in lines(folder) if e["event"] in ("accepted", "rejected")]
        files = [e["file"] for e in judged]
        assert len(set(files)) == len(files) == len(calm.asked)
        # One more was asked for just where the cut fell between the answer and its file.
        assert len(painter.asked) - len(calm.asked) == (str(killed.value) == "keep"), cut
        assert not names_in(folder / HIDDEN / "arrived"), cut
