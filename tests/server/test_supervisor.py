"""The supervisor: which processes may die as often as they like."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

DYING_JOBS = """
import signal, socket
from visavis.server import job_runner, supervisor
from visavis.server.config import ServerConfig

def run_jobs(*_):
    print("jobs", flush=True)
    return 1

supervisor.RESTART_SECONDS = 0.01
job_runner.run_jobs = run_jobs
supervisor.run_worker = lambda *_, **__: signal.pause()
raise SystemExit(supervisor.Supervisor(ServerConfig(), socket.socket()).run())
"""


@pytest.mark.slow(seconds=19)
def test_a_server_outlives_any_number_of_deaths_of_its_runner_of_jobs() -> None:
    with subprocess.Popen([sys.executable, "-c", DYING_JOBS], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        starts = [server.stdout.readline() for _ in range(3 * 6)]
        server.send_signal(signal.SIGTERM)
        assert (starts, server.wait(120)) == (["jobs\n"] * 18, 0)
