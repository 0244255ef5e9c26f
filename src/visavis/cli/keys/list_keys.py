"""keys list: list the keys of a server."""

from __future__ import annotations

from dataclasses import asdict

from visavis.cli._options import Json
from visavis.cli._output import Output
from visavis.cli.keys._options import ConfigFile, ServedGallery, open_keys

COLUMNS = ("name", "role", "galleries", "created", "state")


def list_keys(*, gallery: ServedGallery = None, config: ConfigFile = None, json: Json = False) -> None:
    """List the API keys, without their secrets."""
    from visavis.server.roles import uses_galleries

    with open_keys(config, gallery) as keys, Output(*COLUMNS, json=json) as output:
        for key in keys.list():
            state = "valid" if key.revoked is None else "revoked"
            reached = "all" if uses_galleries(key.role) else "none"
            galleries = reached if key.galleries is None else ", ".join(key.galleries)
            role = key.role if key.employee is None else f"{key.role} {key.employee}"
            output.answer(asdict(key), [key.name, role, galleries, key.created[:10], state])
