"""keys rotate: give a key a new secret."""

from __future__ import annotations

from dataclasses import asdict

from visavis.cli._options import Json
from visavis.cli._output import Output
from visavis.cli.keys._options import ConfigFile, KeyName, ServedGallery, open_keys
from visavis.cli.keys.create import COLUMNS


def rotate(name: KeyName, *, gallery: ServedGallery = None, config: ConfigFile = None, json: Json = False) -> None:
    """Give a key a new secret; the old one is refused at once."""
    from visavis.server.state.keys import user_name

    with open_keys(config, gallery) as keys, Output(*COLUMNS, json=json) as output:
        key = keys.rotate(name, actor=user_name())
        output.answer(asdict(key), [key.name, key.role, key.key])
