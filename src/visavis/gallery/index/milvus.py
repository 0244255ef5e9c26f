"""Search in Milvus, a vector database for many machines: see docs/engines.md. Requires the package pymilvus.

Each gallery has one collection. The row with id 0 has the state of the records that it contains, as a negative person.
Reads have the consistency "Strong": each sees all earlier writes.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from visavis import permissions
from visavis.errors import GalleryError, MissingExtraError, UsageError
from visavis.forking import ForkSafeLock, keep_forever, renew_in_child
from visavis.gallery.index import INDEXES, Hit, Ids, Origin
from visavis.gallery.index._nearby import Near, find_hits, last_of_each
from visavis.gallery.index._place import choice, number, split_place
from visavis.gallery.sql import reconnect
from visavis.types import Floats

OPTIONS = ("index", "ef", "m", "nlist", "nprobe")
KINDS = ("FLAT", "IVF_FLAT", "HNSW")
ANSWER_SECONDS = 30.0
"""How long to wait for one answer, and for a server that disappears during a request."""
MESSAGE_BYTES = 4 << 20
"""Approximate size of a message, sent or requested: gRPC has limits."""
MOST = 16_384
"""The most templates that Milvus returns for one probe."""
LIST_LENGTH = 10_000
"""Ids in one condition."""
STRONG = "Strong"
LOCKED = "Open local milvus failed"

_users: Counter[str] = Counter()
"""How many indexes of this process use each file of milvus-lite; the last one closes it."""
_lock = ForkSafeLock()


class Kind(NamedTuple):
    """The index type in Milvus, with its parameters for building and for searching."""

    name: str
    building: dict[str, int]
    searching: dict[str, int]


@INDEXES.register("milvus")
class Milvus:
    """A collection of vectors: a durable :class:`~visavis.gallery.index.Index`."""

    def __init__(self, *, dimension: int, place: str = "", origin: Origin) -> None:
        """Connect, and create the collection if it is missing; raise UsageError for an invalid place."""
        self._uri, options = split_place(place, OPTIONS)
        self._kind = _parse_kind(options)
        _check_place(self._uri)
        self._dimension = dimension
        self._collection = f"visavis_{origin.key}_{dimension}"
        self._client: Any = None
        self._forked = False
        renew_in_child(self)
        self.change()

    # Contents

    def add(self, ids: Ids, people: Ids, vectors: Floats) -> None:
        """Add rows; replace those with the same ids."""
        rows = last_of_each(ids)
        step = max(1, MESSAGE_BYTES // (4 * self._dimension + 32))
        for start in range(0, len(rows), step):
            part = rows[start : start + step]
            columns = zip(ids[part].tolist(), people[part].tolist(), vectors[part], strict=True)
            self._put([{"id": template, "person": person, "vector": vector} for template, person, vector in columns])

    def remove(self, ids: Ids) -> None:
        """Remove templates."""
        for start in range(0, len(ids), LIST_LENGTH):
            part = ids[start : start + LIST_LENGTH].tolist()
            self._ask("delete", ids=part)

    def entries(self) -> tuple[Ids, Ids]:
        """Return template ids and people, read page by page."""
        with self._explain_errors():
            rows = list(self._pages())
        columns = np.array([(row["id"], row["person"]) for row in rows], np.int64).reshape(-1, 2)
        return columns[:, 0], columns[:, 1]

    def _pages(self) -> Iterator[dict[str, int]]:
        pages = self._connect().query_iterator(
            self._collection,
            batch_size=LIST_LENGTH,
            filter="id > 0",
            output_fields=["id", "person"],
            consistency_level=STRONG,
            timeout=ANSWER_SECONDS,
        )
        try:
            while page := pages.next():
                yield from page
        finally:
            pages.close()

    # Search

    def search(self, probes: Floats, top: int, *, among: Ids | None = None) -> list[list[Hit]]:
        """Return the nearest people: exactly with FLAT, nearly always with the other kinds."""
        return self._find(probes, top, "person > 0", among, "people")

    def nearest(self, probes: Floats, top: int, *, among: Ids | None = None) -> list[list[Hit]]:
        """Return the nearest templates."""
        return self._find(probes, top, "id > 0", among, "ids")

    def _find(self, probes: Floats, top: int, condition: str, among: Ids | None, by: str) -> list[list[Hit]]:
        if among is not None:
            if not len(among):
                return [[] for _ in probes]
            condition += f" and person in [{', '.join(map(str, among.tolist()))}]"

        def fetch(batch: Floats, count: int) -> Sequence[Near]:
            step = max(1, MESSAGE_BYTES // (count * (4 * self._dimension + 32)))
            return [
                near
                for start in range(0, len(batch), step)
                for near in self._fetch(batch[start : start + step], count, condition)
            ]

        return find_hits(fetch, probes, top, by=attrgetter(by), most=MOST)

    def _fetch(self, probes: Floats, count: int, condition: str) -> Iterator[Near]:
        """Request the ``count`` nearest templates of each probe, with their vectors."""
        searching = {name: max(value, count) if name == "ef" else value for name, value in self._kind.searching.items()}
        answers = self._ask(
            "search",
            data=list(probes),
            filter=condition,
            limit=count,
            output_fields=["person", "vector"],
            search_params={"metric_type": "IP", "params": searching},
            consistency_level=STRONG,
        )
        for probe, hits in zip(probes, answers, strict=True):
            rows = [(hit["id"], hit["entity"]["person"]) for hit in hits]
            ids, people = np.array(rows, np.int64).reshape(-1, 2).T
            vectors = np.array([hit["entity"]["vector"] for hit in hits], np.float32).reshape(-1, self._dimension)
            scores: Floats = 1 - vectors @ probe
            yield Near(ids, people, vectors, scores.astype(np.float64))

    # Changes

    def change(self) -> int:
        """Return the state of the records in the collection; create it if it is missing, load it if it is not loaded.

        Every use starts with this call: retry for a while where the server is away or still starting.
        """
        from pymilvus import MilvusException

        with self._explain_errors():
            return reconnect.retry_connecting(self._change, lambda _: True, error=MilvusException)

    def _change(self) -> int:
        self._prepare(self._connect(), reconnect.RETRY_SECONDS)
        rows = self._connect().query(
            self._collection,
            filter="id == 0",
            output_fields=["person"],
            consistency_level=STRONG,
            timeout=reconnect.RETRY_SECONDS,
        )
        return -rows[0]["person"] if rows else 0

    def reached(self, change: int) -> None:
        """Store the state of the records, after its rows."""
        self._put([{"id": 0, "person": -change, "vector": np.zeros(self._dimension, np.float32)}])

    def clear(self) -> None:
        """Drop the collection and create it again."""
        self._ask("drop_collection")
        self.change()

    def renew_in_child(self) -> None:
        """Leave the client to the parent: pymilvus shares its connections, and those of gRPC do not survive a fork."""
        keep_forever(self._client)
        self._client, self._forked = None, True

    def close(self) -> None:
        """Disconnect; the last user of a file releases it for other processes."""
        client, self._client = self._client, None
        if client is not None:
            client.close()
            _release(self._uri)

    # The server

    def _prepare(self, client: Any, seconds: float) -> None:
        """Create the collection if it is missing, and load it into memory."""
        from pymilvus import DataType, MilvusException

        if not client.has_collection(self._collection, timeout=seconds):
            schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
            schema.add_field("id", DataType.INT64, is_primary=True)
            schema.add_field("person", DataType.INT64)
            schema.add_field("vector", DataType.FLOAT_VECTOR, dim=self._dimension)
            indexes = client.prepare_index_params()
            indexes.add_index("vector", index_type=self._kind.name, metric_type="IP", params=self._kind.building)
            try:
                client.create_collection(
                    self._collection,
                    schema=schema,
                    index_params=indexes,
                    consistency_level=STRONG,
                    timeout=ANSWER_SECONDS,
                )
            except MilvusException:
                if not client.has_collection(self._collection, timeout=seconds):  # else another process created it
                    raise
        client.load_collection(self._collection, timeout=ANSWER_SECONDS)

    def _put(self, rows: list[dict[str, Any]]) -> None:
        self._ask("upsert", data=rows)

    def _ask(self, method: str, **values: Any) -> Any:
        """Call a method of the client for this collection; the client retries by itself until the timeout."""
        with self._explain_errors():
            return getattr(self._connect(), method)(self._collection, timeout=ANSWER_SECONDS, **values)

    def _connect(self) -> Any:
        if self._forked:
            raise GalleryError(
                "a gallery with an index in Milvus cannot be used in a process that was forked after it was opened: "
                "start processes by the method 'spawn', and open the gallery in each."
            )
        if self._client is None:
            from pymilvus import MilvusClient

            for name in ("pymilvus", "milvus_lite"):
                logging.getLogger(name).setLevel(logging.CRITICAL)  # our errors report theirs
            self._client = MilvusClient(uri=self._uri, timeout=reconnect.RETRY_SECONDS)
            with _lock:
                _users[self._uri] += 1
        return self._client

    @contextmanager
    def _explain_errors(self) -> Iterator[None]:
        from grpc import RpcError
        from pymilvus import MilvusException

        try:
            yield
        except (MilvusException, RpcError) as error:
            raise GalleryError(
                f"the index in {_without_password(self._uri)} cannot be used: {_error_text(error)}."
            ) from error


def _parse_kind(options: dict[str, str]) -> Kind:
    """Read the index type from the options; raise UsageError for an invalid one."""
    name = choice(options, "index", KINDS)
    allowed = {"HNSW": {"ef", "m"}, "IVF_FLAT": {"nlist", "nprobe"}}.get(name, set())
    if unexpected := options.keys() - allowed - {"index"}:
        raise UsageError(f"{', '.join(sorted(unexpected))} means nothing to the index {name} of Milvus.")
    if name == "HNSW":
        building = {"M": number(options, "m", 16, top=2048), "efConstruction": 200}
        return Kind(name, building, {"ef": number(options, "ef", 200, top=32_768)})
    if name == "IVF_FLAT":
        lists = number(options, "nlist", 1024, top=65_536)
        return Kind(name, {"nlist": lists}, {"nprobe": number(options, "nprobe", min(32, lists), top=lists)})
    return Kind(name, {}, {})


def _check_place(uri: str) -> None:
    """Raise MissingExtraError for a missing package, UsageError for a place that cannot be one of Milvus."""
    if find_spec("pymilvus") is None:
        raise MissingExtraError("the index milvus takes the package pymilvus: pip install 'visavis[milvus]'.")
    if uri.startswith(("http://", "https://")):
        return
    if "://" in uri or not uri.endswith(".db"):
        raise UsageError(
            f"{uri!r} is no place of an index milvus: write milvus:http://host:19530, or milvus:./vectors.db."
        )
    if find_spec("milvus_lite") is None:
        raise MissingExtraError("an index milvus in a file takes milvus-lite: pip install 'visavis[milvus-lite]'.")
    if not Path(uri).parent.is_dir():
        raise GalleryError(f"there is no folder {Path(uri).parent} for the index {Path(uri).name}: make it first.")
    if not Path(uri).is_file():  # of an older milvus-lite
        permissions.make_folder(Path(uri))
    permissions.warn_if_readable([Path(uri)], contents="embeddings")


def _without_password(uri: str) -> str:
    """Return a URI without a password."""
    scheme, separator, rest = uri.rpartition("://")
    return scheme + separator + rest.rpartition("@")[2]


def _error_text(error: Any) -> str:
    """Return the message of an error of pymilvus or gRPC."""
    words = error.details() if hasattr(error, "details") else getattr(error, "message", error)
    text = " ".join(str(words).split()).rstrip(".")
    return f"{text}: milvus-lite lets one process use a file, or it is damaged" if text == LOCKED else text[:300]


def _release(uri: str) -> None:
    with _lock:
        _users[uri] -= 1
        last = not _users[uri]
    if last and uri.endswith(".db"):
        from milvus_lite.server_manager import server_manager_instance

        server_manager_instance.release_server(uri)
