"""serve: answer the requests of other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from visavis.cli._options import maybe_gallery_url
from visavis.cli._output import note


def serve(
    *,
    host: Annotated[
        str | None, typer.Option("--host", metavar="HOST", help="Address to listen at.", show_default="127.0.0.1")
    ] = None,
    port: Annotated[
        int | None, typer.Option("--port", min=0, max=65535, help="Port to listen at.", show_default="8000")
    ] = None,
    gallery: Annotated[
        str | None,
        typer.Option(
            "--gallery",
            metavar="URL",
            envvar="VISAVIS_GALLERY",
            help="Default gallery.",
            show_default="sqlite:///faces.db",
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, metavar="N", help="Number of worker processes.", show_default="1")
    ] = None,
    cameras: Annotated[
        Path | None,
        typer.Option("--cameras", metavar="FILE.toml", help="Watch all cameras of this file.", show_default=False),
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="Configuration in TOML.", show_default=False)
    ] = None,
) -> None:
    """Serve REST below /v1, and watch cameras."""
    from visavis.errors import MissingExtraError
    from visavis.server.config import read_config

    try:
        from visavis.server.run import prepare, read_cameras
        from visavis.server.run import serve as run_server
    except ModuleNotFoundError as error:
        raise MissingExtraError(f"the server needs {error.name}: pip install 'visavis[server]'.") from error
    settings = read_config(
        config, host=host, port=port, gallery=maybe_gallery_url(gallery), workers=workers, cameras=cameras
    )
    camera_file = read_cameras(settings)
    listener = prepare(settings, note, camera_file)
    address, port = listener.getsockname()[:2]
    scheme = "http" if settings.certificate is None else "https"
    note(f"serving at {scheme}://{f'[{address}]' if ':' in address else address}:{port}; documentation at /docs.")
    raise typer.Exit(run_server(settings, listener, camera_file))
