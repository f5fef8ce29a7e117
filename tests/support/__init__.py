"""What the tests share: the servers they run against, and the rule on skips."""
