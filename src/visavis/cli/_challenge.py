"""The challenge of the command liveness: movements of the head before a camera."""

from __future__ import annotations

from typing import TYPE_CHECKING

from visavis.cli._output import Output, note
from visavis.cli._signals import catch_signals
from visavis.defaults import DETECTOR
from visavis.errors import UsageError
from visavis.printable import significant

if TYPE_CHECKING:
    from visavis.cli._networks import Networks


def run_challenge(sources: list[str], networks: Networks, *, json: bool) -> int:
    """Print each instruction as it comes, and the answer; return the exit code: 0 for passed, 1 for failed."""
    from visavis.challenge import Challenge
    from visavis.videos.follow_challenge import follow_challenge
    from visavis.videos.source import open_source

    if len(sources) > 1:
        raise UsageError("--challenge is for one camera: give one SOURCE.")
    detector = networks.recognizer().detector
    if networks.detector != DETECTOR:
        note(f"the challenge was measured with the detector {DETECTOR}: others may let bent photos pass.")
    with catch_signals(), Output("answer", "movements", "reason", json=json) as output:
        frames = open_source(sources[0])
        state = None
        for seconds, state in follow_challenge(frames, detector, Challenge(), min_face=networks.min_face):
            ended = state.status != "running"
            if not (json or ended):
                note(f"{state.done} of {state.total}: {state.instruction}")
            line = {"source": frames.name, "seconds": significant(seconds), **state.to_dict()}
            row = [state.status, f"{state.done} of {state.total}", state.reason or "-"]
            output.answer(line, *([row] if ended else []))
    return 0 if state else 1
