"""Forms: what a person may send, checked before any verb runs. One module per blueprint."""
