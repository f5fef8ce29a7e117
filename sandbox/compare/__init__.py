"""The same calls to a real Stripe test account and to the sandbox, and every field in which the answers differ.

The sandbox and the portal are written by the same hands: a misreading of Stripe that both share is seen by no test.
This is: `python -m sandbox.compare`, for whoever has a test key.
"""
