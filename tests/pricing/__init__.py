"""Pure arithmetic, apart from database, clock and Stripe."""
