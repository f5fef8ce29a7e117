"""Webhooks: which event goes where (plan), how it is signed, and the threads that send it."""
