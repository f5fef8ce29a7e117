"""What each kind says: functions from a notice to a message, for the current viewer."""
