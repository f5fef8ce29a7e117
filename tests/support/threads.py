"""Several things at the same moment."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def side_by_side(*acts: Callable[[], T]) -> list[T]:
    """Do each act in a thread of its own. Raises what the first of them raised, once all have ended."""
    with ThreadPoolExecutor(len(acts)) as pool:
        running = [pool.submit(act) for act in acts]
    return [each.result() for each in running]
