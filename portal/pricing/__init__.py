"""Pure arithmetic of prices: what Stripe's figures are made of. No database, no clock, no Stripe."""
