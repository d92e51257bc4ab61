"""Plan: what to run; and what each protocol needs, shows and averages."""

from __future__ import annotations

from dataclasses import dataclass

from sightglass.errors import InputError, unknown_name
from sightglass.evaluation.kdpl.known import ELEVEN, SHIFTED, SOURCE, TEN
from sightglass.evaluation.kdpl.measured import CROSS, DOMAIN, NOVEL, PROTOCOLS, About
from sightglass.evaluation.kdpl.methods import HOSTS

SEEDS, SHOTS = (1, 2, 3), 16
NEEDS = {DOMAIN: (SOURCE, *SHIFTED), CROSS: (SOURCE, *TEN), NOVEL: ELEVEN}
SHOWN = {DOMAIN: (SOURCE, *SHIFTED), CROSS: TEN, NOVEL: ELEVEN}
# The source is no target.
AVERAGED = {DOMAIN: SHIFTED, CROSS: TEN, NOVEL: ELEVEN}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to run.

    Attributes:
        about: Names of student and teacher, and shots per class.
        hosts: Of ``HOSTS``; each supervised, with KDPL and with its class-agnostic variant.
        seeds: Not negative.
        protocols: Of ``PROTOCOLS``.
        limit: At most this many test pictures of each list, evenly spread.

    Raises:
        UnknownNameError: If there is no such host or protocol.
        InputError: If there is none, one stands twice, or a seed is negative.
    """

    about: About
    hosts: tuple[str, ...] = tuple(HOSTS)
    seeds: tuple[int, ...] = SEEDS
    protocols: tuple[str, ...] = PROTOCOLS
    limit: int | None = None

    def __post_init__(self) -> None:
        for what, given, every in (
            ("host", self.hosts, tuple(HOSTS)),
            ("protocol", self.protocols, PROTOCOLS),
        ):
            for name in given:
                if name not in every:
                    raise unknown_name(what, name, every)
        for what, some in (
            ("hosts", self.hosts),
            ("seeds", self.seeds),
            ("protocols", self.protocols),
        ):
            if not some or len(set(some)) < len(some):
                raise InputError(
                    f"Plan: {what} are needed, each once, got "
                    f"{', '.join(map(str, some)) or 'none'}. Name each one once."
                )
        if min(self.seeds) < 0:
            raise InputError(
                f"Plan: seeds must be at least 0, got {min(self.seeds)}. Choose others."
            )
