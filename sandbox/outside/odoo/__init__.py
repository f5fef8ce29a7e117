"""An Odoo 19 with just the calls that a billing portal makes of it: usage metrics, and pushing invoices."""

from .api import MOOD, VERSION, Odoo

__all__ = ["MOOD", "VERSION", "Odoo"]
