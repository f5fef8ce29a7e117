"""Stripe's wire format: what the unmodified SDK sends and expects back."""
