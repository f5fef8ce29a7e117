"""Usage: reported once, summed at once, limited, billed."""
