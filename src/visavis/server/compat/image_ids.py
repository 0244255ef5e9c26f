"""Image ids of CompreFace: UUIDs that hold the id of a template, so that none has to be stored."""

from __future__ import annotations

from uuid import UUID

PREFIX = 0x76697361_76698381
"""First half of each id; its version is 8, "custom" (RFC 9562)."""
VARIANT = 0b10
ID_BITS = 62


def make_image_id(template_id: int) -> str:
    """Return the image id of a template, such as ``76697361-7669-8381-8000-00000000002a``."""
    return str(UUID(int=PREFIX << 64 | VARIANT << ID_BITS | template_id))


def parse_image_id(image_id: UUID) -> int | None:
    """Return the id of the template; None for an id that :func:`make_image_id` does not make."""
    prefix, rest = divmod(image_id.int, 1 << 64)
    variant, template_id = divmod(rest, 1 << ID_BITS)
    return template_id if (prefix, variant) == (PREFIX, VARIANT) else None
