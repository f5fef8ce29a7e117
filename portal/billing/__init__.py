"""The verbs of the business, across aggregates: subscribe, end, look up what is sold."""
