"""What is said to whom, by which channel, once (design §3).

``notify`` writes down in the business transaction that somebody is to be told; a worker composes the message
from the rows as they are when it leaves, and a channel carries it. A message knows no channel: mail is the
first, and another is one more file in ``channels``.
"""
