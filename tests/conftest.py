"""What every test can use."""

pytest_plugins = ["tests.support.services", "tests.support.skips"]
