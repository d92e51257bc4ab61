"""``sightglass evaluate --suite data-efficient``: flat hit at k over very many classes."""

from __future__ import annotations

import sys
from pathlib import Path

from sightglass.cli.evaluate_suite import DATA_EFFICIENT, suite_folders


def run_data_efficient(
    *,
    data: Path | None,
    out: Path | None,
    model: str,
    prompts: str,
    limit: int | None,
    batch_size: int,
    store: Path | None,
    command: str,
) -> None:
    """Run the suite data-efficient and write its folder.

    Raises:
        InputError: If ``--data`` or ``--out`` is missing, or something given cannot be used.
        UnknownNameError: If there is no such encoder or template set.
    """
    data, out = suite_folders(DATA_EFFICIENT, data, out)

    from rich.console import Console

    from sightglass.cli.result_table import print_table
    from sightglass.encoders.registry import load_dual_encoder
    from sightglass.evaluation.data_efficient.report import write_suite
    from sightglass.evaluation.data_efficient.scored import Setting
    from sightglass.evaluation.data_efficient.suite import run_suite
    from sightglass.evaluation.data_efficient.wording import suite_templates
    from sightglass.evaluation.suite_page import REPORT
    from sightglass.reports.folder import prepare_folder
    from sightglass.store import DEFAULT_STORE, open_store

    encoder = load_dual_encoder(model)
    setting = Setting(
        encoder=encoder,
        model=model,
        templates=suite_templates(encoder.card, prompts),
        store=open_store(DEFAULT_STORE if store is None else store),
        batch_size=batch_size,
        limit=limit,
    )
    prepare_folder(out)
    progress = Console(stderr=True)
    result = run_suite(
        data,
        setting,
        command=command,
        say=lambda line: progress.print(line, markup=False, highlight=False, soft_wrap=True),
    )
    write_suite(out, result)
    # As for kdpl: the table is wide, and a file or a pipe has no width.
    console = Console() if sys.stdout.isatty() else Console(width=200)
    for name in ("flat_hit", "intervals", "relative"):
        table = result.tables[name]
        console.print(table.title, markup=False, highlight=False, soft_wrap=True)
        print_table(console, table)
    for line in (*result.remarks, f"Written: {out / REPORT}"):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
