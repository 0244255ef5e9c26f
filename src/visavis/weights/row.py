"""A row of data per weight file: everything needed to download, check and feed it."""

from __future__ import annotations

from dataclasses import dataclass

DEEPFACE = "deepface 0.0.103, config/threshold.py"
"""Source of the thresholds of several rows."""


@dataclass(frozen=True, slots=True)
class WeightSpec:
    """One published weight file.

    ``sha256`` and ``size`` (bytes) are of the file as published. If the file was not available when its row was
    written, ``sha256`` is empty (the file is pinned when it is first downloaded: ``store.py``), and ``size`` is 4 bytes
    a parameter: the file is a little larger. ``mirrors`` are further addresses of the same bytes. An address that ends
    in ``.zip`` is of an archive that holds the file.

    ``package`` is a distribution on the package registry that carries the file, ``member`` its path inside that
    package's folder; ``extra`` is the extra of visavis that installs it, empty where visavis always does.

    ``input_size`` is the side in pixels of the network's square input (None: any size); a network
    takes ``(RGB - mean) * scale``. ``channels`` is the order of the file's own network. ``non_commercial`` is whether
    the license forbids some uses, so that it has to be accepted before the first (``store.consent``).
    ``parameters`` counts its numbers, moving means and variances too; 0 if unknown. ``accuracy`` is
    the published accuracy, with the source; may be empty. ``threshold`` is a cosine distance up to which
    ``threshold_source`` takes two faces for one person: published with other crops than those made here, so it is a
    starting value, not a calibration.
    """

    name: str
    file: str
    task: str
    url: str
    sha256: str
    size: int
    license: str
    trained_on: str
    input_size: int | None
    mean: tuple[float, float, float]
    scale: float
    geometry: str
    output: str
    package: str | None = None
    member: str | None = None
    extra: str = ""
    channels: str = "RGB"
    non_commercial: bool = False
    mirrors: tuple[str, ...] = ()
    parameters: int = 0
    accuracy: str = ""
    threshold: float | None = None
    threshold_source: str = ""

    def __post_init__(self) -> None:
        if (self.threshold is None) == bool(self.threshold_source):
            raise ValueError(f"{self.name}: a published threshold and its source go together.")

    @property
    def pinned(self) -> bool:
        """Whether the hash of the published file is known here."""
        return bool(self.sha256)
