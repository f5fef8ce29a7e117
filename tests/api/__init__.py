"""The JSON API, through real requests."""
