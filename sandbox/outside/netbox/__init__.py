"""A NetBox 4.6 with just the calls that a billing portal makes of it, and its traps."""

from .api import MOOD, VERSION, NetBox
from .database import Database

__all__ = ["MOOD", "VERSION", "Database", "NetBox"]
