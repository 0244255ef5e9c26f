"""models fetch: download weight files, or check existing ones."""

from __future__ import annotations

from visavis.cli._options import Json
from visavis.cli._output import Output
from visavis.cli.models._arguments import AcceptLicense, Names
from visavis.cli.models._licenses import accept_licenses
from visavis.cli.models._lines import weight_line


def fetch(names: Names, *, accept_license: AcceptLicense = False, json: Json = False) -> None:
    """Download weight files, or check existing ones.

    A file on this machine is not downloaded again; its hash is checked.
    """
    from visavis.weights.spec import spec as find_spec
    from visavis.weights.store import find

    specs = [find_spec(name) for name in names]
    accept_licenses(specs if accept_license else [])
    with Output("name", "file", json=json) as output, output.downloads():
        for spec in specs:
            path = find(spec)
            output.answer(weight_line(spec, path), [spec.name, str(path)])
