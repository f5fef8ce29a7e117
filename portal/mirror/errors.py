"""Why an object could not be mirrored."""


class NotYet(Exception):
    """Something that it refers to is not here yet; read again soon."""


class Unmirrorable(Exception):
    """It does not fit what we know, and reading again will not help: staff must look."""
