"""What every entry of a recipe is made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(ge=0)]


class Entry(BaseModel):
    """Entries that nobody knows are refused, and so is what is no finite number."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
