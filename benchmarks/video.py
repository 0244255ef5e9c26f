"""Speed of video: both clips of the test data, beside facenet-pytorch that detects and embeds each frame.

    python benchmarks/video.py [--rounds 3] [--threads 2] [--engines visavis,facenet-pytorch] [--json FILE]

Each pass goes from the file to the answer: decoding, detection, embedding; ours tracks and searches a gallery of 100
people too. "by default" detects as often as ``visavis video`` does, "each frame" in every frame. Without ``--out``.
Goals: hamilton_360p (faces from 20 pixels) by default at 2 times real time or more, facenet_pytorch_1080p (from 40) at
real time or more, each 8 times as fast as facenet-pytorch. Its FaceNet has random weights: only time is compared.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from _rounds import Engine, Figures, alternate, data_folder, environment, options, report, table
from peers import python_of
from rich.table import Table

OURS, PEER = "visavis", "facenet-pytorch"
SCRIPTS = {OURS: "video_visavis.py", PEER: "video_facenet_pytorch.py"}
CLIPS = {"hamilton_360p": (20, 275 * 1001 / 30000), "facenet_pytorch_1080p": (40, 105 / 25)}
"""Side of the smallest face in pixels, and seconds of each clip."""
DEFAULT, EACH = "by default", "each frame"


def cases() -> dict[str, dict[str, Any]]:
    """Describe the cases: each clip with detection as by default, and in each frame."""
    return {
        f"{clip}, {mode}": {
            "file": str(data_folder() / "videos" / f"{clip}.mp4"),
            "min_face": min_face,
            "each_frame": mode == EACH,
        }
        for clip, (min_face, _) in CLIPS.items()
        for mode in (DEFAULT, EACH)
    }


def engines(names: Sequence[str], settings: Mapping[str, Any]) -> list[Engine]:
    """Describe the workers; ours runs in this very environment, the peer knows no tracks and takes each frame."""
    return [
        Engine(
            name=name,
            python=Path(sys.executable) if name == OURS else python_of(name),
            script=SCRIPTS[name],
            settings=settings,
            cases=[case for case in settings["cases"] if name == OURS or case.endswith(EACH)],
        )
        for name in names
    ]


def summary(figures: Sequence[Figures]) -> Table:
    """Make a row of each clip and engine; the ratio says how many times as long the peer took, round by round."""
    peers = {_clip(each): each for each in figures if each.engine == PEER}
    rows = []
    for each in figures:
        seconds = CLIPS[_clip(each)][1]
        answer = each.turns[-1].answer
        peer = peers.get(_clip(each))
        rows.append(
            (
                each.case,
                each.engine,
                answer["frames"],
                answer["detections"],
                seconds / each.wall,
                seconds / each.cpu,
                each.wall * 1e3 / answer["frames"],
                each.cpu * 1e3 / answer["frames"],
                "-" if peer is None else peer.ratio(each),
                "-" if peer is None else peer.cpu / each.cpu,
            )
        )
    columns = ["case", "engine", "frames", "detections", "x real time", "by CPU time", "ms/frame", "CPU ms"]
    columns += ["facenet-pytorch took", "CPU"]
    return table("Video: times real time (the duration of the clip by the seconds it took)", columns, rows)


def _clip(figures: Figures) -> str:
    return figures.case.partition(",")[0]


def main() -> None:
    """Measure and print."""
    parser = options(__doc__ or "", rounds=3)
    parser.add_argument("--engines", default=",".join(SCRIPTS), help="which, and in what order")
    chosen = parser.parse_args()
    settings = {"threads": chosen.threads, "cases": cases()}
    before = environment()
    figures, facts = alternate(engines(chosen.engines.split(","), settings), [*settings["cases"]], chosen.rounds)
    about = {**before, "load after": environment()["load"], "threads": chosen.threads, "rounds": chosen.rounds, **facts}
    report([summary(figures)], about, chosen.json, {"figures": figures})


if __name__ == "__main__":
    main()
