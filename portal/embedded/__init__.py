"""The parts that a bare machine gets from `./run`: PostgreSQL, Valkey, Pango and the processes of the portal.

Nothing in here imports Flask or the rest of the portal: these modules run before the portal can.
"""
