"""The quality of a face without any fault."""

from __future__ import annotations

from visavis.types import Quality

FAULTLESS = Quality(
    1,
    size=1,
    sharpness=1,
    clarity=1,
    pose=1,
    exposure=1,
    detection=1,
    visible=1,
    compression=1,
    proportions=1,
    brightness=0.5,
)
