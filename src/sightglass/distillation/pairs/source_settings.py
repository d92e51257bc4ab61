"""Where pairs or pictures come from, as a recipe says it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Kind = Literal["auto", "table", "webdataset", "parquet", "folder"]
# What each kind cannot do without saying nothing about it: other settings would be ignored.
ONLY: dict[str, tuple[str, ...]] = {
    "images": ("table",),
    "image_column": ("table", "parquet"),
    "caption_column": ("table", "parquet"),
    "label_column": ("table", "parquet"),
    "class_names": ("table", "webdataset", "parquet"),
}


class SourceSettings(BaseModel):
    """One source of a recipe's data."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str = Field(
        min_length=1,
        description="a table (.csv, .tsv), tar shards, parquet files, a folder; shards may be a "
        "folder or a pattern such as cc-{000..011}.tar or data/train-*.parquet",
    )
    kind: Kind = Field(default="auto", description="auto: by the path")
    images: str | None = Field(
        default=None, description="table: the folder of the pictures; null: the table's own"
    )
    image_column: str | None = Field(default=None, description="null: by its usual name")
    caption_column: str | tuple[str, ...] | None = Field(
        default=None, description="one or several; null: by their usual names"
    )
    label_column: str | None = Field(default=None, description="null: by its usual name")
    class_names: str | None = Field(
        default=None, description="a .txt file with what class numbers mean, one per line, from 0"
    )
    labels: bool | None = Field(
        default=None,
        description="null: where there are any, but for folders; folder: true takes the names of "
        "the folders below; false hides them",
    )
    captions: Literal["column", "none", "class"] | None = Field(
        default=None,
        description="class: the label's name in a sentence; null: the source's own, if it has any",
    )
    templates: tuple[str, ...] = Field(
        default=("a photo of a {}.",), description="sentences for captions: class"
    )
    first_name: bool = Field(
        default=True, description="of 'goldfish, Carassius auratus' only the first is the name"
    )
    weight: float | None = Field(
        default=None, gt=0, description="how often it is drawn over others; null: its rows"
    )
    use: str | None = Field(
        default=None,
        pattern=r"^\d*:\d*$",
        description="first:last, rows from 0, the last not included",
    )
