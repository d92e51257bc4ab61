"""``sightglass evaluate --suite``: a paper's whole evaluation with one command."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sightglass.errors import InputError, unknown_name

YIN_JIANG, KDPL, DATA_EFFICIENT = "yin-jiang", "kdpl", "data-efficient"
SUITES = (YIN_JIANG, KDPL, DATA_EFFICIENT)
HARVEST = 16
WEIGHTING = "inverse_entropy"
VISION_MODEL = "mini:vision"
VOCABULARY = "nouns"
_NOT_A_STUDENT = "mini"
_NO_TEMPLATES = "single"


def check_suite_options(
    suite: str | None, options: Mapping[str, Mapping[str, object]], *, data: Path | None
) -> None:
    """Refuse options of a suite that is not run.

    Args:
        suite: What was asked for, or None.
        options: By suite, what was given for each option that is only its own; None for nothing.
        data: ``--data``, which every suite has.

    Raises:
        InputError: If an option has no place.
        UnknownNameError: If there is no such suite.
    """
    if suite is not None and suite not in SUITES:
        raise unknown_name("suite", suite, SUITES)
    given = [
        (owner, name)
        for owner, of_owner in options.items()
        for name, value in of_owner.items()
        if value is not None and owner != suite
    ]
    if suite is not None and given:
        owner, name = given[0]
        raise InputError(
            f"evaluate: {name} belongs to --suite {owner}, got --suite {suite}. Leave it out."
        )
    if suite is None and data is not None:
        given = [(YIN_JIANG, "--data"), *given]
    if given:
        owner, name = given[0]
        raise InputError(
            f"evaluate: {name} belongs to --suite, which was not given. Add --suite {owner}, "
            f"or leave it out."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked of every suite alike.

    Attributes:
        data: Folder that holds the data sets.
        out: Folder for tables, figures and report.
        model: The encoder; of kdpl, the student.
        prompts: Template set.
        limit: Pictures at most; None for all.
        batch_size: Pictures per pass.
        store: File that remembers embeddings.
        command: What makes the tables again.
    """

    data: Path
    out: Path
    model: str
    prompts: str
    limit: int | None
    batch_size: int
    store: str | Path
    command: str


def suite_folders(suite: str, data: Path | None, out: Path | None) -> dict[str, Path]:
    """``data`` and ``out``, which every suite needs.

    Raises:
        InputError: If one is not given.
    """
    found = {}
    for name, value in (("data", data), ("out", out)):
        if value is None:
            raise InputError(f"evaluate: --suite {suite} needs --{name}, a folder. Add it.")
        found[name] = value
    return found


def run_yin_jiang(
    asked: Asked,
    *,
    vision_model: str | None,
    references: Path | None,
    harvest: int | None,
    weighting: str | None,
    virtual_names: Path | None,
    mode: str | None,
) -> None:
    """Run the suite yin-jiang and write its folder; None means the suite's own default.

    Raises:
        InputError: If something given cannot be used.
        UnknownNameError: If there is no such encoder or weighting.
    """
    from rich.console import Console

    from sightglass.cli.printable import show_line
    from sightglass.encoders.registry import load_dual_encoder, load_encoder
    from sightglass.encoders.wording import templates_for
    from sightglass.evaluation.suite_page import REPORT
    from sightglass.evaluation.yin_jiang.embedded import Encoders
    from sightglass.evaluation.yin_jiang.open_set import Setting
    from sightglass.evaluation.yin_jiang.report import write_suite
    from sightglass.evaluation.yin_jiang.suite import run_suite
    from sightglass.fusion import MODES, WEIGHTINGS
    from sightglass.inputs.line_files import read_line_file
    from sightglass.reports.folder import prepare_folder
    from sightglass.store import open_store

    chosen = weighting or WEIGHTING
    if chosen not in WEIGHTINGS:
        raise unknown_name("weighting", chosen, WEIGHTINGS)
    if mode is not None and mode not in MODES:
        raise unknown_name("fusion mode", mode, MODES)
    seeing = VISION_MODEL if vision_model is None else vision_model
    guesses = () if virtual_names is None else tuple(read_line_file(virtual_names, where="Names"))
    prepare_folder(asked.out)
    encoders = Encoders(
        dual=load_dual_encoder(asked.model),
        vision=None if seeing == "none" else load_encoder(seeing),
        store=open_store(asked.store),
        batch_size=asked.batch_size,
        names=asked.model if seeing == "none" else f"{asked.model}+{seeing}",
    )
    setting = Setting(
        encoders=encoders,
        templates=templates_for(encoders.dual.card, asked.prompts),
        weighting=chosen,
        harvest=HARVEST if harvest is None else harvest,
        virtual_names=guesses,
        released_code=mode == "released_code",
    )
    progress = Console(stderr=True)
    result = run_suite(
        asked.data,
        setting,
        references=references,
        limit=asked.limit,
        command=asked.command,
        say=lambda line: show_line(progress, line),
    )
    write_suite(asked.out, result)
    console = Console()
    lines = [
        f"{table.title}: {len(table.rows):,} rows, {asked.out / f'{name}.html'}"
        for name, table in result.tables.items()
        if table.rows
    ]
    for line in (*lines, *result.remarks, f"Written: {asked.out / REPORT}"):
        show_line(console, line)


def run_kdpl(
    asked: Asked,
    *,
    teacher: str | None,
    hosts: str | None,
    seeds: str | None,
    shots: int | None,
    protocols: str | None,
    vocabulary: str | None,
) -> None:
    """Run the suite kdpl and write its folder; None means the suite's own default.

    Raises:
        InputError: If ``--model`` or ``--teacher`` is missing, or something given cannot be used.
        UnknownNameError: If there is no such host, protocol or encoder.
    """
    if asked.model == _NOT_A_STUDENT:
        raise InputError(
            f"evaluate: --suite kdpl needs --model, a CLIP checkpoint that can get prompts "
            f"(hf:ORG/NAME or hf:FOLDER), got {asked.model}. Add it."
        )
    if teacher is None:
        raise InputError("evaluate: --suite kdpl needs --teacher, an encoder. Add it.")
    if asked.prompts != _NO_TEMPLATES:
        raise InputError(
            f"evaluate: --suite kdpl has the templates of its paper, got --prompts "
            f"{asked.prompts}. Leave it out."
        )

    from rich.console import Console

    from sightglass.cli.printable import show_line
    from sightglass.cli.result_table import print_table
    from sightglass.evaluation.kdpl.learner import open_learner
    from sightglass.evaluation.kdpl.measured import PROTOCOLS, About
    from sightglass.evaluation.kdpl.methods import HOSTS
    from sightglass.evaluation.kdpl.plan import SEEDS, SHOTS, Plan
    from sightglass.evaluation.kdpl.report import write_suite
    from sightglass.evaluation.kdpl.suite import run_suite
    from sightglass.evaluation.suite_page import REPORT
    from sightglass.reports.folder import prepare_folder

    plan = Plan(
        about=About(student=asked.model, teacher=teacher, shots=SHOTS if shots is None else shots),
        hosts=tuple(HOSTS) if hosts is None else _listed(hosts),
        seeds=SEEDS if seeds is None else _whole_numbers(seeds),
        protocols=PROTOCOLS if protocols is None else _listed(protocols),
        limit=asked.limit,
    )
    prepare_folder(asked.out)
    progress = Console(stderr=True)

    def say(line: str) -> None:
        show_line(progress, line)

    learner = open_learner(
        student=asked.model,
        teacher=teacher,
        hosts=plan.hosts,
        vocabulary=VOCABULARY if vocabulary is None else vocabulary,
        folder=asked.out,
        batch_size=asked.batch_size,
        store=asked.store,
        say=say,
    )
    result = run_suite(asked.data, learner, plan, command=asked.command, say=say)
    write_suite(asked.out, result)
    # A file or a pipe has no width, and thirteen columns want more than the usual guess of 80.
    console = Console() if sys.stdout.isatty() else Console(width=200)
    for name, table in result.tables.items():
        if table.rows and name in plan.protocols:
            show_line(console, table.title)
            print_table(console, table)
    for line in (*result.remarks, f"Written: {asked.out / REPORT}"):
        show_line(console, line)


def _listed(text: str) -> tuple[str, ...]:
    """What stands between the commas."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _whole_numbers(text: str) -> tuple[int, ...]:
    parts = _listed(text)
    if not all(part.isdecimal() for part in parts):
        raise InputError(
            f"evaluate: --seeds needs whole numbers with commas between, got '{text}'. Write e.g. "
            f"1,2,3."
        )
    return tuple(map(int, parts))
