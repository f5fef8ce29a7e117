"""Usage: taken in, summed, limited, billed."""
