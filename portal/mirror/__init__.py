"""Stripe's objects as ours: one file per object, always by reading Stripe again (design §4).

However many events name an object, in whatever order: there is one reader at a time, it reads until ``seen``
has caught up with ``wanted``, and the newest truth wins.
"""
