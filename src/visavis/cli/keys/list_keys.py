"""keys list: list the keys of a server."""

from __future__ import annotations

from dataclasses import asdict

from visavis.cli._options import Json
from visavis.cli._output import Output
from visavis.cli.keys._options import ConfigFile, ServedGallery, open_keys

COLUMNS = ("name", "role", "galleries", "created", "state")


def list_keys(*, gallery: ServedGallery = None, config: ConfigFile = None, json: Json = False) -> None:
    """List the API keys, without their secrets."""
    with open_keys(config, gallery) as keys, Output(*COLUMNS, json=json) as output:
        for key in keys.list():
            state = "valid" if key.revoked is None else "revoked"
            galleries = "all" if key.galleries is None else ", ".join(key.galleries)
            output.answer(asdict(key), [key.name, key.role, galleries, key.created[:10], state])
