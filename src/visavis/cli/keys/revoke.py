"""keys revoke: refuse a key from now on."""

from __future__ import annotations

from visavis.cli._options import Json
from visavis.cli._output import Output
from visavis.cli.keys._options import ConfigFile, KeyName, ServedGallery, open_keys


def revoke(name: KeyName, *, gallery: ServedGallery = None, config: ConfigFile = None, json: Json = False) -> None:
    """Refuse a key from now on, and end its sessions."""
    from visavis.server.state.keys import user_name

    with open_keys(config, gallery) as keys, Output("name", "state", json=json) as output:
        keys.revoke(name, actor=user_name())
        output.answer({"name": name, "revoked": True}, [name, "revoked"])
