"""Compare names without case, spaces and Unicode form, to notice a second person of nearly the same name."""

from __future__ import annotations

import unicodedata


def fold_name(name: str) -> str:
    """Return the common form of names that differ in case, spaces or Unicode form: "HUGH_Jackman " -> "hugh jackman".

    Underscores count as spaces (names of folders), and invisible characters are removed. Accents are kept.
    """
    compatible = unicodedata.normalize("NFKC", name).casefold()
    visible = (" " if letter == "_" else letter for letter in compatible if unicodedata.category(letter) != "Cf")
    return " ".join(unicodedata.normalize("NFC", "".join(visible)).split())
