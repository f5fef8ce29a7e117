"""Bodies of requests: how large they may be, packed or not."""

import zlib

from flask import request

from portal.errors import Invalid

MOST_BYTES = 8 * 1024 * 1024


class TooLarge(Invalid):
    code = "too_large"
    status = 413
    message = "What was sent is too large."
    remedy = "Send at most 8 MB, unpacked."


class NotReadable(Invalid):
    code = "not_readable"
    status = 400
    message = "The body could not be read."
    remedy = "Send UTF-8, plain or packed as “Content-Encoding: gzip” says."


def text() -> str:
    """The request's body as text, unpacked. Raises :class:`TooLarge`, :class:`NotReadable`."""
    request.max_content_length = MOST_BYTES
    packed = request.get_data(cache=False)
    encoding = request.headers.get("Content-Encoding", "identity").lower()
    if encoding not in ("identity", "gzip"):
        raise NotReadable
    try:
        return (_unpacked(packed) if encoding == "gzip" else packed).decode()
    except (UnicodeDecodeError, zlib.error) as error:
        raise NotReadable from error


def _unpacked(packed: bytes) -> bytes:
    """No more than fits: a small packet may hold gigabytes. Packets that were appended are one (RFC 1952 §2.2)."""
    plain = b""
    while packed:
        unpacking = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        plain += unpacking.decompress(packed, MOST_BYTES - len(plain) + 1)
        if len(plain) > MOST_BYTES:
            raise TooLarge
        if not unpacking.eof:
            raise NotReadable
        packed = unpacking.unused_data
    return plain
