"""Why a verb refuses: Stripe's error types, without HTTP (wire/errors.py knows the status codes)."""

from typing import Any


class Refusal(Exception):
    """A verb refuses. `type`, `code`, `param`, `message` and `extra` end in Stripe's error envelope."""

    type = "invalid_request_error"

    def __init__(self, message: str, *, code: str | None = None, param: str | None = None, **extra: Any) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.param = param
        self.extra = extra


class InvalidRequest(Refusal):
    """The request cannot be carried out as asked; nothing changed (the work is rolled back)."""


class ResourceMissing(InvalidRequest):
    """No such object: 404 when the path names it, 400 when a parameter does."""

    def __init__(self, what: str, object_id: str, *, param: str | None = None) -> None:
        super().__init__(f"No such {what}: '{object_id}'", code="resource_missing", param=param if param else "id")
        self.in_path = param is None


class NotModelled(InvalidRequest):
    """Stripe can do it and this stand-in cannot yet: refused aloud, so that nobody builds on a silent no."""

    def __init__(self, what: str, *, param: str | None = None) -> None:
        super().__init__(f"The sandbox does not model {what} yet.", code="sandbox_not_modelled", param=param)


class LockTimeout(Refusal):
    """Somebody else is changing the object; nothing was done, and the same request may be sent again."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="lock_timeout")


class CardRefused(Refusal):
    """The bank or the card refuses. What the try changed is kept: the failed charge, the events."""

    type = "card_error"
    # False where Stripe undoes the try as well (payment_behavior=error_if_incomplete).
    keeps_changes = True


class ContractViolation(Exception):
    """An object or event of ours does not fit the pinned schema: the sandbox's own bug, answered by 500."""


def modelled(params: dict[str, Any], known: set[str], what: str) -> None:
    """Refuses parameters that the contract allows and this verb would otherwise ignore in silence."""
    for name in params:
        if name not in known and name != "expand":
            raise NotModelled(f"{name} on {what}", param=name)
