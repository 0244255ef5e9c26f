"""The classifiers of the configuration as they lie in their folders: when each was trained, and its report."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from visavis import input_files
from visavis.errors import ServerError, UnknownNameError, reason_of
from visavis.images import shown
from visavis.server.photo_answers import hide_folders
from visavis.server.services import Services
from visavis.server.types import ServedClassifier
from visavis.structured_text import parse_json

REPORT, PAGE = "report.json", "report.html"
REPORT_BYTES = 32 << 20


def list_trained_classifiers(services: Services) -> list[ServedClassifier]:
    """Return all classifiers of the configuration without their reports."""
    galleries = services.classifier_sources.read()
    return [
        _describe(name, path, galleries.get(name), report=None) for name, path in services.config.classifiers.items()
    ]


def read_trained_classifier(services: Services, name: str) -> ServedClassifier:
    """Return a classifier with its report; raises UnknownNameError where the configuration has none of the name."""
    path = _find(services, name)
    return _describe(name, path, services.classifier_sources.read().get(name), report=_read_report(path))


def read_classifier_page(services: Services, name: str) -> str:
    """Return the report of a classifier in HTML; raises UnknownNameError where there is none."""
    try:
        return input_files.read_file(_find(services, name) / PAGE, most=REPORT_BYTES).decode()
    except (OSError, UnicodeDecodeError):
        raise UnknownNameError(f"there is no report of the classifier {shown(name)} on this server.") from None


def remove_trained_classifier(services: Services, name: str, *, actor: str) -> None:
    """Delete the files of a classifier: the model with the embeddings of its people, and the reports with their names.

    Raises UnknownNameError where there are none, ServerError where they cannot be deleted.
    """
    from visavis.train.classifier_file import FILE

    path = _find(services, name)
    if not (path / FILE).is_file():
        raise UnknownNameError(f"the classifier {shown(name)} was not trained on this server.")
    try:
        for file in (path / FILE, path / PAGE, path / REPORT):
            file.unlink(missing_ok=True)
    except OSError as error:
        raise ServerError(f"the classifier {name} cannot be deleted: {reason_of(error)}.") from error
    services.classifier_sources.log_removal(name, actor=actor)


def _find(services: Services, name: str) -> Path:
    path = services.config.classifiers.get(name)
    if path is None:
        raise UnknownNameError(f"there is no classifier {shown(name)} in the configuration of this server.")
    return path


def _describe(name: str, path: Path, gallery: str | None, *, report: Mapping[str, Any] | None) -> ServedClassifier:
    from visavis.train.classifier_file import FILE

    for file in (path / FILE, path):
        if file.is_file():
            trained = datetime.fromtimestamp(file.stat().st_mtime, UTC).isoformat(timespec="seconds")
            return ServedClassifier(name, present=True, gallery=gallery, trained=trained, report=report)
    return ServedClassifier(name, present=False, gallery=gallery)


def _read_report(path: Path) -> Mapping[str, Any] | None:
    """Return the report without folders of the server; None where there is none that can be read."""
    with suppress(OSError, ValueError):
        content = parse_json(input_files.read_file(path / REPORT, most=REPORT_BYTES))
        if isinstance(content, dict):
            return hide_folders(content)
    return None
