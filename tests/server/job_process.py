"""Run jobs as a server's runner does, with leases of two seconds: ``python -m server.job_process CONFIG OWNER``."""

from __future__ import annotations

import os
import sys

from visavis.server import job_run, job_runner
from visavis.server.config import read_config
from visavis.server.state import jobs as state_jobs

if __name__ == "__main__":
    state_jobs.STALE_SECONDS = 2.0
    job_run.BEAT_SECONDS = 0.3
    life, _supervisor = os.pipe()
    sys.exit(job_runner.run_jobs(read_config(sys.argv[1]), life, sys.argv[2]))
