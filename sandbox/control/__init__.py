"""The control API under /_sandbox/: JSON switches for tests, for the control room and for curious people.

One module a resource; each lists its calls in ROUTES. Changes want `Content-Type: application/json`, which a
foreign web page cannot send without being asked first, so no page a developer visits can reset the sandbox.
"""

from .routing import CONTROLS, answer

__all__ = ["CONTROLS", "answer"]
