"""How Odoo 19 refuses: each exception with its name, and the status that JSON-2 gives it.

JSON-RPC puts the same into an answer with status 200. `debug` is a traceback, as Odoo sends it: never to be shown.
"""

from typing import Any


class OdooError(Exception):
    """An exception of Odoo. `name` is its Python name, `status` that of JSON-2."""

    def __init__(self, status: int, name: str, message: str, arguments: list[Any] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.name = name
        self.message = message
        self.arguments = [message] if arguments is None else arguments

    def as_json(self) -> dict[str, Any]:
        """The error object: name, message, arguments, context, debug."""
        return {
            "name": self.name,
            "message": self.message,
            "arguments": self.arguments,
            "context": {},
            "debug": (
                "Traceback (most recent call last):\n"
                '  File "/opt/odoo/odoo/http.py", line 2212, in _transactioning\n'
                "    return service_model.retrying(func, env=self.env)\n"
                f"{self.name}: {self.message}\n"
            ),
        }


def user_error(message: str) -> OdooError:
    """422: a rule of business says no."""
    return OdooError(422, "odoo.exceptions.UserError", message)


def validation_error(message: str) -> OdooError:
    """422: a value is wrong."""
    return OdooError(422, "odoo.exceptions.ValidationError", message)


def access_error(message: str) -> OdooError:
    """403: the user may not."""
    return OdooError(403, "odoo.exceptions.AccessError", message)


def access_denied(message: str = "Access Denied") -> OdooError:
    """403: not with that password or key."""
    return OdooError(403, "odoo.exceptions.AccessDenied", message)


def missing_error(model: str, row_id: int, user_id: int) -> OdooError:
    """404: the record is not there any more."""
    message = f"Record does not exist or has been deleted.\n(Record: {model}({row_id},), User: {user_id})"
    return OdooError(404, "odoo.exceptions.MissingError", message)


def value_error(message: str) -> OdooError:
    """500: what Odoo does not catch, such as an unknown field."""
    return OdooError(500, "builtins.ValueError", message)


def http_error(status: int, name: str, message: str) -> OdooError:
    """What the web framework says: 400, 401, 404, 415, 422."""
    return OdooError(status, f"werkzeug.exceptions.{name}", message, [message, status])


def not_modelled(what: str) -> OdooError:
    """501: Odoo can do it and this stand-in cannot; said aloud."""
    return OdooError(501, "sandbox.NotModelled", f"The sandbox does not model {what}.")
