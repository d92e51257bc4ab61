"""The fifteen data sets of the paper: templates, usual names of folders, where people get them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources

from sightglass.evaluation.public_sources import PublicSource

_FILE = "data_sets.json"
PLAIN_TEMPLATE = "a photo of a {}."

SOURCE = "imagenet"
SHIFTED = ("imagenet_v2", "imagenet_sketch", "imagenet_a", "imagenet_r")
# In the order of the published cross-dataset table.
TEN = (
    *("oxford_pets", "oxford_flowers", "fgvc_aircraft", "dtd", "eurosat"),
    *("stanford_cars", "food101", "sun397", "caltech101", "ucf101"),
)
ELEVEN = (SOURCE, *TEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownDataset:
    """What is known of a data set before it is looked for.

    Attributes:
        source: Its one-word name, its title, and where people get it.
        short: What tables call it.
        template: The teacher's sentence for it in the class-aware mode, with one ``{}``.
        n_classes: How many classes the published protocol has.
        folders: Usual names of its folder; lower-case letters and digits only.
        pictures: Where in its folder the pictures may lie, in the order of choice; ``.`` is the
            folder itself.
        split_file: Name of its prepared split, or None.
    """

    source: PublicSource
    short: str
    template: str
    n_classes: int
    folders: tuple[str, ...]
    pictures: tuple[str, ...]
    split_file: str | None

    @property
    def title(self) -> str:
        """As its authors write it."""
        return self.source.title


@cache
def known_datasets() -> dict[str, KnownDataset]:
    """All fifteen by name.

    Source:
        Templates: the released code of Mistretta et al. 2024 (arXiv:2407.03056),
        github.com/miccunifi/KDPL. Folders and splits: Zhou et al. 2022 (CoOp), arXiv:2109.01134,
        github.com/KaiyangZhou/CoOp, DATASETS.md.
    """
    text = resources.files(__package__).joinpath(_FILE).read_text(encoding="utf-8")
    return {
        entry["name"]: KnownDataset(
            source=PublicSource(
                name=entry["name"], title=entry["title"], files=entry["files"], site=entry["site"]
            ),
            short=entry["short"],
            template=entry["template"],
            n_classes=entry["n_classes"],
            folders=tuple(entry["folders"]),
            pictures=tuple(entry["pictures"]),
            split_file=entry.get("split_file"),
        )
        for entry in json.loads(text)
    }
