"""Stripe: the only place that imports its SDK. Calls with keys and limits, signatures, the inbox."""
