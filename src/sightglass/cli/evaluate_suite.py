"""``sightglass evaluate --suite``: a paper's whole evaluation with one command."""

from __future__ import annotations

from pathlib import Path

from sightglass.errors import InputError, unknown_name

SUITES = ("yin-jiang",)
HARVEST = 16
WEIGHTING = "inverse_entropy"
VISION_MODEL = "mini:vision"


def run_suite_command(
    suite: str,
    *,
    data: Path | None,
    out: Path | None,
    model: str,
    vision_model: str | None,
    references: Path | None,
    harvest: int | None,
    weighting: str | None,
    virtual_names: Path | None,
    mode: str | None,
    prompts: str,
    limit: int | None,
    batch_size: int,
    store: Path | None,
    command: str,
) -> None:
    """Run the suite and write its folder; None means the suite's own default.

    Raises:
        InputError: If ``--data`` or ``--out`` is missing, or something given cannot be used.
        UnknownNameError: If there is no such suite, encoder or weighting.
    """
    if suite not in SUITES:
        raise unknown_name("suite", suite, SUITES)
    for name, value in (("--data", data), ("--out", out)):
        if value is None:
            raise InputError(f"evaluate: --suite {suite} needs {name}, a folder. Add it.")
    assert data is not None
    assert out is not None

    from rich.console import Console

    from sightglass.encoders.registry import load_dual_encoder, load_encoder
    from sightglass.evaluation.yin_jiang.embedded import Encoders
    from sightglass.evaluation.yin_jiang.open_set import Setting
    from sightglass.evaluation.yin_jiang.report import REPORT, write_suite
    from sightglass.evaluation.yin_jiang.suite import run_suite
    from sightglass.fusion import MODES, WEIGHTINGS
    from sightglass.inputs.line_files import read_line_file
    from sightglass.inputs.templates import template_set
    from sightglass.reports.folder import prepare_folder
    from sightglass.store import DEFAULT_STORE, open_store

    chosen = weighting or WEIGHTING
    if chosen not in WEIGHTINGS:
        raise unknown_name("weighting", chosen, WEIGHTINGS)
    if mode is not None and mode not in MODES:
        raise unknown_name("fusion mode", mode, MODES)
    seeing = VISION_MODEL if vision_model is None else vision_model
    guesses = () if virtual_names is None else tuple(read_line_file(virtual_names, where="Names"))
    prepare_folder(out)
    encoders = Encoders(
        dual=load_dual_encoder(model),
        vision=None if seeing == "none" else load_encoder(seeing),
        store=open_store(DEFAULT_STORE if store is None else store),
        batch_size=batch_size,
        names=model if seeing == "none" else f"{model}+{seeing}",
    )
    setting = Setting(
        encoders=encoders,
        templates=template_set(prompts),
        weighting=chosen,
        harvest=HARVEST if harvest is None else harvest,
        virtual_names=guesses,
        released_code=mode == "released_code",
    )
    progress = Console(stderr=True)
    result = run_suite(
        data,
        setting,
        references=references,
        limit=limit,
        command=command,
        say=lambda line: progress.print(line, markup=False, highlight=False, soft_wrap=True),
    )
    write_suite(out, result)
    console = Console()
    lines = [
        f"{table.title}: {len(table.rows):,} rows, {out / f'{name}.html'}"
        for name, table in result.tables.items()
        if table.rows
    ]
    for line in (*lines, *result.remarks, f"Written: {out / REPORT}"):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
