"""The form of the names of models in galleries, exports and tables of thresholds: never a path.

Built-in models, imported models (a-z, 0-9, dots, hyphens and underscores), models of other packages and embedders of a
caller's own have such names, with ``@N`` behind them for a number of views.
"""

from __future__ import annotations

import re

from visavis.errors import UsageError

MOST = 100
"""Characters of a name."""
_FORM = re.compile(rf"\w[\w .+@()-]{{0,{MOST - 1}}}")


def is_model_name(name: object) -> bool:
    """Return whether a value has the form of a model's name."""
    return isinstance(name, str) and _FORM.fullmatch(name) is not None


def check_model_name(name: object) -> str:
    """Return the name of a model unchanged; UsageError for what has another form."""
    if isinstance(name, str) and is_model_name(name):
        return name
    raise UsageError(
        f"the name of a model has letters, digits, spaces, dots, hyphens and @, at most {MOST}, "
        f"got {repr(name)[:MOST]}."
    )
