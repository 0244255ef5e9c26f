"""Compare names without case, spaces and Unicode form: a second person of nearly the same name, a part of a name."""

from __future__ import annotations

import unicodedata

MOST_SPELLED = 1200
"""Most characters of a name that are normalized: a time that grows with the square of the accents of one letter."""


def fold_name(name: str) -> str:
    """Return the common form of names that differ in case, spaces or Unicode form: "HUGH_Jackman " -> "hugh jackman".

    Underscores count as spaces (names of folders), and invisible characters are removed. Accents are kept. Of a text
    that is too long for a name, only the beginning counts.
    """
    compatible = unicodedata.normalize("NFKC", name[:MOST_SPELLED]).casefold()
    visible = (" " if letter == "_" else letter for letter in compatible if unicodedata.category(letter) != "Cf")
    return " ".join(unicodedata.normalize("NFC", "".join(visible)).split())


def strip_accents(name: str) -> str:
    """Return a name as :func:`fold_name` does, and without accents: "Nguyễn Đỗ" -> "nguyen do"."""
    letters = unicodedata.normalize("NFD", fold_name(name).replace("đ", "d"))
    return "".join(letter for letter in letters if unicodedata.category(letter) != "Mn")
