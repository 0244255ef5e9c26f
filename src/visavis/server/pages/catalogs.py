"""Texts of the pages in each language, from the files of the folder ``catalogs``, and the language of a browser.

A language has a file of its code, ``en.json``, and one for each part of the pages, such as ``people.en.json``.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources

from visavis.structured_text import parse_json

LANGUAGES = ("en", "vi", "zh")
"""Codes of the languages; the first is that of a browser that asks for none of them."""


@cache
def read_catalog(language: str) -> Mapping[str, str]:
    """Return the texts of a language by their keys; KeyError for another language."""
    if language not in LANGUAGES:
        raise KeyError(language)
    texts: dict[str, str] = {}
    files = {file.name: file for file in (resources.files(__package__) / "catalogs").iterdir()}
    parts = sorted(name for name in files if name.endswith(f".{language}.json"))
    for name in [f"{language}.json", *parts]:
        content = parse_json(files[name].read_bytes())
        if not isinstance(content, dict) or texts.keys() & content.keys():
            raise TypeError(f"the catalog {name} is no object, or has keys of another")
        texts |= content
    return texts


def pick_language(accepted: str) -> str:
    """Return the language that a header ``Accept-Language`` prefers among those of the pages."""
    preferences: list[tuple[float, int, str]] = []
    for item in accepted.split(","):
        tag, *parameters = (part.strip() for part in item.split(";"))
        language = tag.lower().partition("-")[0]
        weight = _read_weight(parameters)
        if language in LANGUAGES and weight > 0:
            preferences.append((-weight, len(preferences), language))
    return min(preferences)[2] if preferences else LANGUAGES[0]


def _read_weight(parameters: list[str]) -> float:
    """Return the weight ``q`` of a language, 1 where there is none, 0 where it is no number from 0 to 1."""
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                weight = float(value)
            except ValueError:
                return 0.0
            return weight if 0 <= weight <= 1 else 0.0
    return 1.0
