"""The rest of the outside world, on the sandbox's own port: Slack, NetBox, Odoo, and receivers for signed webhooks.

Each neighbour keeps its data in the sandbox's store, so a reset empties it, a snapshot brings it back and the
state file keeps it. Each has a control API under /_sandbox/<name> and a page under /<name>.
"""
