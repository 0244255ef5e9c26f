"""models show: show all details of models."""

from __future__ import annotations

from visavis.cli._options import Json
from visavis.cli._output import Output
from visavis.cli.models._arguments import Names
from visavis.cli.models._lines import detail_rows, imported_line, weight_line


def show(names: Names, json: Json = False) -> None:
    """Show all details of models.

    Prints hash, license, training data, preprocessing, and path on this machine.
    """
    from visavis.weights import user_models
    from visavis.weights.spec import spec as find_spec
    from visavis.weights.store import locate

    lines = []
    for name in names:
        if user_models.has(name):
            lines.append(imported_line(user_models.row(name)))
        else:
            spec = find_spec(name)
            lines.append(weight_line(spec, locate(spec)))
    for line in lines:
        with Output("", "", json=json) as output:
            output.answer(line, *detail_rows(line))
