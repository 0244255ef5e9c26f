"""What docs/serving.md shows: its files, and a certificate made by its command."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "serving.md"


def read_blocks(section: str, language: str) -> list[str]:
    """Return the blocks of code of a section, named by the beginning of its heading."""
    _, _, text = PAGE.read_text(encoding="utf-8").partition(f"\n## {section}")
    assert text, section
    blocks: list[str] = re.findall(rf"^```{language}\n(.*?)^```$", text.partition("\n## ")[0], re.DOTALL | re.MULTILINE)
    return blocks


def make_admin_key(folder: Path) -> str:
    """Make a key for the server of ``server.toml`` in a folder, as an administrator does before its first start."""
    create = ["keys", "create", "admin", "--role", "admin", "--config", "server.toml", "--json"]
    made = subprocess.run(
        [sys.executable, "-m", "visavis", *create], cwd=folder, check=True, capture_output=True, text=True
    )
    key: str = json.loads(made.stdout)["key"]
    return key


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate and its key by the command of the page; return both files."""
    (command,) = (block for block in read_blocks("TLS without a proxy", "text") if "openssl" in block)
    subprocess.run(shlex.split(command), cwd=folder, check=True, capture_output=True)
    return folder / "faces.example.com.pem", folder / "faces.example.com.key"
