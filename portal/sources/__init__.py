"""Sources of usage that we ask ourselves: NetBox, Odoo, and whatever gets a file here (ADR 23)."""
