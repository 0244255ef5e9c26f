"""Backup of a gallery while it is in use: its export, of one consistent state, in a ZIP file."""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path

from visavis.errors import ServerError, UsageError
from visavis.gallery.gallery import Gallery


def write_backup(gallery: Gallery) -> Path:
    """Write the export of a gallery to a new temporary ZIP file; the caller removes it.

    ``visavis gallery import`` takes what the file unpacks to. It is encrypted where the gallery is. Raises ServerError
    where the disk is full.
    """
    with tempfile.TemporaryDirectory(prefix="visavis-backup-") as folder:
        export = Path(folder) / "gallery"
        try:
            gallery.export(export)
            descriptor = tempfile.NamedTemporaryFile(prefix="visavis-backup-", suffix=".zip", delete=False)  # noqa: SIM115
        except (OSError, UsageError) as error:
            raise ServerError(f"the backup cannot be written: {error}") from error
        path = Path(descriptor.name)
        try:
            with descriptor, zipfile.ZipFile(descriptor, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
                for file in sorted(export.iterdir()):
                    archive.write(file, file.name)
        except OSError as error:
            path.unlink(missing_ok=True)
            raise ServerError(f"the backup cannot be written: {error}") from error
    return path
