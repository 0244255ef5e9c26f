"""Photos of a request: parts of a multipart form, or base64 in JSON. Their names are for the answer alone.

Nothing is decoded here: the library does that, in the thread of the request and within its own limits.
"""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import Annotated, Any

from anyio import to_thread
from fastapi import Depends, Request
from starlette.datastructures import UploadFile

from visavis.images import PhotoLabel
from visavis.server.auth import with_annotations
from visavis.server.config import RequestLimits
from visavis.server.fetch import fetch_photo
from visavis.server.forms import MULTIPART, media_type, read_form
from visavis.server.picture_memory import estimate_memory
from visavis.server.problems import ProblemError
from visavis.structured_text import parse_json

MOST_NAME = 200
"""Characters of the name of a photo that are kept."""
SMALL_BYTES = 1 << 20
"""Photos whose cost is found at once; files of many megabytes would keep other requests from being read meanwhile."""


class NamedPhoto(io.BytesIO):
    """The bytes of a photo with the name that the client gave it: no file of the server is looked for under it."""

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data)
        self.name = PhotoLabel(name.rstrip("/\\")[-MOST_NAME:] or "photo")


@dataclass(frozen=True, slots=True)
class PhotoInput:
    """Photos by the name of their field, in the order of the request, and the other fields as text or JSON values."""

    photos: Mapping[str, tuple[NamedPhoto, ...]]
    fields: Mapping[str, Any] = field(default_factory=dict)

    def only(self, name: str) -> NamedPhoto:
        """Return the photo of a field; raise ProblemError where there is none, or several."""
        photos = self.photos.get(name, ())
        if len(photos) != 1:
            raise ProblemError(422, "photo_missing", f"send one photo as {name}, got {len(photos)}.")
        return photos[0]

    def all(self, name: str) -> tuple[NamedPhoto, ...]:
        """Return the photos of a field; raise ProblemError where there is none."""
        if not self.photos.get(name):
            raise ProblemError(422, "photo_missing", f"send a photo, or several, as {name}.")
        return self.photos[name]


async def read_photos(
    request: Request, names: tuple[str, ...], limits: RequestLimits, *, fetch_urls: bool = False
) -> PhotoInput:
    """Read the body; raises ProblemError where it is neither a form nor JSON, or has too many parts.

    With ``fetch_urls`` a photo in JSON may be an object with its ``url``.
    """
    kind = media_type(request)
    if kind == MULTIPART:
        return await _read_form(request, names, limits)
    if kind == "application/json":
        return await _read_json(await request.body(), names, limits, fetch_urls=fetch_urls)
    raise ProblemError(415, "unsupported_body", "send multipart/form-data, or application/json with base64.")


async def _read_form(request: Request, names: tuple[str, ...], limits: RequestLimits) -> PhotoInput:
    photos: dict[str, list[NamedPhoto]] = {}
    fields: dict[str, Any] = {}
    form = await read_form(request, photos=limits.photos)
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            if name not in names:
                raise ProblemError(422, "unknown_field", f"there is no photo {name[:40]!r}: {', '.join(names)}.")
            number = len(photos.setdefault(name, [])) + 1
            photos[name].append(NamedPhoto(await value.read(), value.filename or f"{name} {number}"))
        else:
            fields[name] = value
    return PhotoInput({name: tuple(items) for name, items in photos.items()}, fields)


async def _read_json(body: bytes, names: tuple[str, ...], limits: RequestLimits, *, fetch_urls: bool) -> PhotoInput:
    try:
        content = parse_json(body)
    except ValueError as error:
        raise ProblemError(400, "invalid_json", "the body is not valid JSON.") from error
    if not isinstance(content, dict):
        raise ProblemError(422, "invalid_json", "the body is a JSON object with photos as base64.")
    photos = {}
    deadline = monotonic() + limits.seconds
    for name in names:
        value = content.pop(name, None)
        texts = value if isinstance(value, list) else [] if value is None else [value]
        if len(texts) > limits.photos:
            raise ProblemError(413, "too_many_photos", f"a request has {limits.photos} photos at most.")
        items = []
        for number, text in enumerate(texts, 1):
            if isinstance(text, dict):
                items.append(await _fetch(text, f"{name} {number}", limits, deadline, allowed=fetch_urls))
            else:
                items.append(NamedPhoto(decode_base64(text), f"{name} {number}"))
        photos[name] = tuple(items)
    return PhotoInput(photos, content)


async def _fetch(
    item: Mapping[str, Any], name: str, limits: RequestLimits, deadline: float, *, allowed: bool
) -> NamedPhoto:
    url = item.get("url")
    if not isinstance(url, str):
        raise ProblemError(422, "invalid_base64", "a photo in JSON is text in base64, or an object with its url.")
    if not allowed:
        raise ProblemError(422, "url_refused", "this server fetches no photos: send the photo itself.")
    fetch = partial(fetch_photo, url, most_bytes=round(limits.upload_mb * 1e6), deadline=deadline)
    data, file_name = await to_thread.run_sync(fetch)
    return NamedPhoto(data, file_name or name)


def decode_base64(text: object) -> bytes:
    """Return the bytes of base64, also in lines and of a data URL; raises ProblemError for anything else."""
    if isinstance(text, str):
        data = text.partition(",")[2] if text.startswith("data:") else text
        try:
            return base64.b64decode("".join(data.split()), validate=True)  # encoders break lines
        except (binascii.Error, ValueError):
            pass
    raise ProblemError(422, "invalid_base64", "a photo in JSON is text in base64.")


def photo_input(*names: str, fields: Collection[str] | None = None) -> Callable[..., Any]:
    """Return the dependency that reads photos of these names; other ``fields`` than these are refused (None: none is).

    A field that nothing reads is a mistake: a gallery that was named in the form would not be the one that is used.
    Depend on it with the scope "function": a client that does not take its answer would hold the memory of its photos.
    """

    @with_annotations
    async def read(request: Request) -> AsyncIterator[PhotoInput]:
        config = request.app.state.services.config
        photos = await read_photos(request, names, config.limits, fetch_urls=config.fetch_urls)
        unread = [] if fields is None else [name for name in photos.fields if name not in fields]
        if unread:
            place = f"options are parameters of the address, as in {request.url.path}?gallery=NAME"
            raise ProblemError(422, "unknown_field", f"the body has no field {unread[0][:40]!r}: {place}.")
        async with hold_memory(request, [photo for group in photos.photos.values() for photo in group]):
            yield photos

    return read


@asynccontextmanager
async def hold_memory(request: Request, photos: Sequence[NamedPhoto]) -> AsyncIterator[None]:
    """Have the memory for the decoded photos of a request within the block.

    Raises BusyError where the photos of others take it until the time of the request is over.
    """
    estimate = partial(estimate_memory, [photo.getvalue() for photo in photos])
    is_small = sum(photo.getbuffer().nbytes for photo in photos) < SMALL_BYTES
    size = estimate() if is_small else await to_thread.run_sync(estimate)
    services = request.app.state.services
    async with services.pictures.hold(size, seconds=request.scope["deadline"] - monotonic()):
        yield


def photo_body(*names: str, many: Sequence[str] = (), **fields: dict[str, Any]) -> dict[str, Any]:
    """Return the description of the body for OpenAPI.

    ``names`` are fields of one photo, ``many`` of one or several; ``fields`` are JSON schemas of what is not a photo.
    """
    file: dict[str, Any] = {"type": "string", "format": "binary"}
    base64_text = {"type": "string", "contentEncoding": "base64"}
    url = {"type": "object", "properties": {"url": {"type": "string"}}, "required": ["url"]}
    text: dict[str, Any] = {"anyOf": [base64_text, url]}
    files, texts = {"type": "array", "items": file}, {"anyOf": [*text["anyOf"], {"type": "array", "items": text}]}
    content = {}
    for kind, single, several in (("multipart/form-data", file, files), ("application/json", text, texts)):
        properties = {**dict.fromkeys(names, single), **dict.fromkeys(many, several), **fields}
        schema = {"type": "object", "properties": properties, "required": [*names, *many]}
        content[kind] = {"schema": {**schema, "additionalProperties": False}}
    return {"requestBody": {"required": True, "content": content}}


OnePhoto = Annotated[PhotoInput, Depends(photo_input("photo", fields=()), scope="function")]
"""A request with photos called ``photo``."""
