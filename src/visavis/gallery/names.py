"""Names that are written alike: how a second person of nearly the same name is noticed."""

from __future__ import annotations

import unicodedata


def folded(name: str) -> str:
    """Return what names that differ in case, spaces or Unicode form have in common: "HUGH_Jackman " -> "hugh jackman".

    Underscores count as spaces (names of folders), and invisible characters are left out. Accents are kept.
    """
    compatible = unicodedata.normalize("NFKC", name).casefold()
    visible = (" " if letter == "_" else letter for letter in compatible if unicodedata.category(letter) != "Cf")
    return " ".join(unicodedata.normalize("NFC", "".join(visible)).split())
