"""A worker on a machine without Pango."""

import sys

from portal.invoicing.pdf.worker import Render, serve


def load() -> Render:
    raise OSError("cannot load library 'libpango-1.0.so.0'")


if __name__ == "__main__":
    serve(int(sys.argv[1]), float(sys.argv[2]), load)
