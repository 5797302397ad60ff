"""What all records of facts share."""

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """Facts by name: a name that is not known is refused, and no fact changes."""

    model_config = ConfigDict(extra="forbid", frozen=True)
