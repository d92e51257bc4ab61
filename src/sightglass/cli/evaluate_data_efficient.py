"""``sightglass evaluate --suite data-efficient``: flat hit at k over very many classes."""

from __future__ import annotations

import sys

from sightglass.cli.evaluate_suite import Asked


def run_data_efficient(asked: Asked) -> None:
    """Run the suite data-efficient and write its folder.

    Raises:
        InputError: If something given cannot be used.
        UnknownNameError: If there is no such encoder or template set.
    """
    from rich.console import Console

    from sightglass.cli.printable import show_line
    from sightglass.cli.result_table import print_table
    from sightglass.encoders.registry import load_dual_encoder
    from sightglass.evaluation.data_efficient.report import write_suite
    from sightglass.evaluation.data_efficient.scored import Setting
    from sightglass.evaluation.data_efficient.suite import run_suite
    from sightglass.evaluation.data_efficient.wording import suite_templates
    from sightglass.evaluation.suite_page import REPORT
    from sightglass.reports.folder import prepare_folder
    from sightglass.store import open_store

    encoder = load_dual_encoder(asked.model)
    setting = Setting(
        encoder=encoder,
        model=asked.model,
        templates=suite_templates(encoder.card, asked.prompts),
        store=open_store(asked.store),
        batch_size=asked.batch_size,
        limit=asked.limit,
    )
    prepare_folder(asked.out)
    progress = Console(stderr=True)
    result = run_suite(
        asked.data,
        setting,
        command=asked.command,
        say=lambda line: show_line(progress, line),
    )
    write_suite(asked.out, result)
    # As for kdpl: the table is wide, and a file or a pipe has no width.
    console = Console() if sys.stdout.isatty() else Console(width=200)
    for name in ("flat_hit", "intervals", "relative"):
        table = result.tables[name]
        show_line(console, table.title)
        print_table(console, table)
    for line in (*result.remarks, f"Written: {asked.out / REPORT}"):
        show_line(console, line)
