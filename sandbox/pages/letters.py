"""Reading a kept mail: headers, text, HTML, attachments."""

from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from ..engine.work import Obj


def message(letter: Obj) -> EmailMessage:
    """The kept mail as a message."""
    parsed = message_from_bytes(letter["raw"].encode("latin-1"), policy=policy.default)
    if not isinstance(parsed, EmailMessage):
        raise TypeError("the default policy makes EmailMessage")
    return parsed


def summary(letter: Obj) -> dict[str, Any]:
    """What tests ask for: addresses, subject, headers, both bodies, the attachments' names and sizes."""
    parsed = message(letter)
    return {
        "id": letter["id"],
        "received_at": letter["received_at"],
        "from": letter["from"],
        "to": letter["to"],
        "subject": str(parsed["Subject"] or ""),
        "headers": {name: str(value) for name, value in parsed.items()},
        "text": body(parsed, "plain"),
        "html": body(parsed, "html"),
        "attachments": [
            {
                "index": index,
                "filename": part.get_filename(),
                "type": part.get_content_type(),
                "size": len(content(part)),
            }
            for index, part in enumerate(attachments(parsed))
        ],
    }


def body(parsed: EmailMessage, kind: str) -> str | None:
    """The text (`plain`) or HTML (`html`) body, None when the mail has none."""
    part = parsed.get_body(preferencelist=(kind,))
    if not isinstance(part, EmailMessage):
        return None
    try:
        return str(part.get_content())
    except (LookupError, UnicodeError):
        return content(part).decode("latin-1")


def attachments(parsed: EmailMessage) -> list[EmailMessage]:
    """The attached parts in their order."""
    return [part for part in parsed.iter_attachments() if isinstance(part, EmailMessage)]


def content(part: EmailMessage) -> bytes:
    """The decoded bytes of a part."""
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else part.as_bytes()
