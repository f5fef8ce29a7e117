"""Several things at the same moment."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any, TypeVar

from apiflask import APIFlask

from portal.app import create_app
from portal.config import Role, Settings

T = TypeVar("T")
_one_at_a_time = Lock()


def side_by_side(*acts: Callable[[], T]) -> list[T]:
    """Do each act in a thread of its own. Raises what the first of them raised, once all have ended."""
    with ThreadPoolExecutor(len(acts)) as pool:
        running = [pool.submit(act) for act in acts]
    return [each.result() for each in running]


def app_of(role: Role, settings: Settings, **options: Any) -> APIFlask:
    """An app for this thread. Python 3.11 cannot build syntax trees, as routes are, in two threads at a time."""
    with _one_at_a_time:
        return create_app(role, settings=settings, **options)
