"""evaluate liveness, as a command: squares are faces, those at the left are taken for real."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from cli.conftest import Run
from cli.fakes import DETECTOR, RED, photo
from visavis import liveness, spoof_networks
from visavis.evaluate.liveness import KindResult, Presentation, measure_liveness
from visavis.liveness import Liveness
from visavis.types import RGB, Face, Floats

LEFT, RIGHT = (RED, 20, 50, 60), (RED, 200, 50, 60)


class Lefts:
    def __init__(self, *, threads: int | None = None) -> None:
        self.threads = threads

    def probabilities(self, picture: RGB, faces: Sequence[Face]) -> Floats:
        return np.array([[0.1, 0.9, 0] if face.box[0] < 160 else [0.8, 0.2, 0] for face in faces], np.float32)


@pytest.fixture(autouse=True)
def networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spoof_networks, "SpoofNetworks", Lefts)
    monkeypatch.setattr(liveness, "find_doubts", lambda *_: ())


def presented(kind: str, *answers: Liveness | None) -> list[Presentation]:
    return [Presentation(kind, f"{kind}/{n}", answer) for n, answer in enumerate(answers)]


def test_rates_by_hand() -> None:
    real, fake, doubtful = Liveness(True, 0.9), Liveness(False, 0.1), Liveness(True, 0.9, ("small.",))
    result = measure_liveness(
        [
            *presented("print", *[fake] * 9, real),
            *presented("mask", fake, real, doubtful, None),
            *presented("real", *[real] * 19, fake),
            *presented("none", None),
        ]
    )
    assert result.attacks == (KindResult("print", 10, 10, 1), KindResult("mask", 4, 2, 1), KindResult("none", 1, 0, 0))
    assert [kind.error for kind in result.attacks] == [0.1, 0.5, None]
    assert [kind.non_response for kind in result.attacks] == [0, 0.5, 1]
    assert result.attacks[0].interval == pytest.approx((0.0179, 0.4042), abs=1e-3)  # Wilson's, 1 of 10
    assert result.worst == result.attacks[1]
    assert result.real == KindResult("real", 20, 20, 1)
    assert result.real.error == 0.05


def test_a_folder_a_kind(run: Run) -> None:
    for number in range(3):
        photo(Path("tries/real") / f"{number}.png", LEFT) if number else None
    for name, square in (
        ("real/a", LEFT),
        ("real/b", LEFT),
        ("print/a", RIGHT),
        ("print/b", LEFT),
        ("screen/a", RIGHT),
    ):
        Path("tries", name).parent.mkdir(parents=True, exist_ok=True)
        photo(Path("tries", f"{name}.png"), square)
    photo(Path("tries/screen/empty.png"))
    Path("tries/screen/broken.jpg").write_bytes(b"no picture")
    Path("tries/screen/notes.txt").write_text("not a try")
    frames = Path("tries/screen/frames")
    frames.mkdir()
    for number in range(4):
        photo(frames / f"{number}.png", RIGHT)
    done = run("evaluate", "liveness", "--from", "tries", "--detector", DETECTOR, "--json")
    assert (done.code, done.err) == (0, "")
    line = done.line
    assert list(line) == [
        "data", "threshold", "apcer", "apcer_interval", "worst", "bpcer", "bpcer_interval", "bpnrr", "attacks",
    ]  # fmt: skip
    assert (line["apcer"], line["worst"], line["bpcer"], line["bpnrr"]) == (0.5, "print", 0, 0)
    printed, screen = line["attacks"]
    assert (printed["kind"], printed["presentations"], printed["wrong"], printed["apcer"]) == ("print", 2, 1, 0.5)
    assert (screen["presentations"], screen["answered"], screen["apcer"], screen["apnrr"]) == (4, 2, 0, 0.5)
    table = run("evaluate", "liveness", "--from", "tries", "--detector", DETECTOR).out
    assert "APCER (print, the worst)" in table
    assert all(len(row) <= 80 for row in table.splitlines())


def test_a_camera_is_recorded_kind_by_kind(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("av")
    for number in range(5):
        Path("frames").mkdir(exist_ok=True)
        photo(Path("frames") / f"{number}.png", LEFT)
    recording = ("--out", "kept", "--kind", "real", "--tries", 2)
    done = run("evaluate", "liveness", "frames", *recording, "--detector", DETECTOR, "--json", stdin=b"\n\n")
    assert done.code == 0
    assert "Look into the camera, 2 of 2, then press Enter" in done.err
    files = sorted(Path("kept").rglob("*.jpg"))
    assert [str(path.parent) for path in files[:: len(files) // 2]] == ["kept/real/001", "kept/real/002"]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give either a CAMERA to record, or --from DIR"),
        (["0", "--from", "."], "give either a CAMERA to record, or --from DIR"),
        (["--from", "none"], "none cannot be read: No such file or directory"),
        (["--from", "."], "holds no presentations"),
        (["0", "--kind", "../x"], "--kind is the name of a folder"),
    ],
)
def test_wrong_use(run: Run, arguments: list[str], message: str) -> None:
    done = run("evaluate", "liveness", *arguments)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
