"""Where PyTorch is not installed."""

from __future__ import annotations

import sys
from importlib import import_module

import pytest

from visavis.errors import MissingExtraError


def test_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "visavis.pytorch", raising=False)
    with pytest.raises(MissingExtraError, match=r"^training needs PyTorch: pip install 'visavis\[train\]'\.$"):
        import_module("visavis.pytorch")
