"""The log of a run as other programs may have left it."""

from __future__ import annotations

from pathlib import Path

import pytest

from visavis.errors import UsageError
from visavis.train.run_folder import LOG, read_log


@pytest.mark.parametrize("text", ["epoch,loss\n1,high\n", "epoch\n" + "9" * 200_000 + "\n"])
def test_what_is_no_log_is_refused(tmp_path: Path, text: str) -> None:
    assert read_log(tmp_path) == []
    (tmp_path / LOG).write_text(text)
    with pytest.raises(UsageError, match="is not the log that a run writes"):
        read_log(tmp_path)
