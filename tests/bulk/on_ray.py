"""Indexes on a Ray cluster of two nodes, and kills an actor and a node on the way: ``python -m bulk.on_ray FOLDER``.

Prints what became of each photo as a line of JSON, then what was killed.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from dataclasses import asdict
from pathlib import Path
from threading import Thread

from ray.cluster_utils import Cluster

from cli.fakes import MODEL
from visavis.bulk import RayEngine, index
from visavis.gallery import Gallery

from .fakes import DEADLY, LOG


def say(what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def workers_after(photos: int) -> list[int]:
    """Wait until so many photos were looked at; the processes that did, without the actors they belong to."""
    log = Path(os.environ[LOG])
    while not log.exists() or len(lines := log.read_text().splitlines()) < photos:
        time.sleep(0.01)
    return [int(line.split()[0]) for line in lines]


def parent_of(process: int) -> int:
    status = Path(f"/proc/{process}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("PPid:"))


def kill(cluster: Cluster, node: object, killed: dict[str, int]) -> None:
    actor = parent_of(workers_after(15)[-1])
    os.kill(actor, signal.SIGKILL)
    killed["actor"] = actor
    killed["looks"] = len(workers_after(40))
    cluster.remove_node(node, allow_graceful=False)
    killed["node"] = 1


def main(folder: Path) -> None:
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "include_dashboard": False})
    node = cluster.add_node(num_cpus=2)
    cluster.wait_for_nodes()
    killed: dict[str, int] = {}
    killer = Thread(target=kill, args=(cluster, node, killed), daemon=True)
    killer.start()
    with Gallery(folder / "faces.db", model=MODEL) as gallery:
        engine = RayEngine(workers=2, address=cluster.address)
        for one in index(gallery, [str(folder / "photos")], engine=engine, detector=DEADLY):
            say(asdict(one))
    killer.join(timeout=1)
    say(killed)
    cluster.shutdown()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
