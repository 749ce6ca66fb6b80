"""An event with nothing but what it must have."""

from datetime import datetime
from typing import Annotated

from assay import Field, event


@event(id="id", time="at")
class Tx:
    id: int
    at: Annotated[datetime, Field(unit="s")]
