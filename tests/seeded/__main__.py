"""Does the suite catch what it is there for? ``python -m tests.seeded`` puts each bug into a copy and looks."""

import sys
import tempfile
from pathlib import Path

from tests.seeded import bugs


def main() -> int:
    """Returns 0 when every bug was caught."""
    through = 0
    for bug, test in bugs.CAUGHT_BY.items():
        with tempfile.TemporaryDirectory() as folder:
            bugs.copy_to(Path(folder))
            if refused := bugs.apply(bug, Path(folder)):
                sys.stdout.write(f"{bug}: the patch no longer fits: {refused}\n")
                through += 1
                continue
            is_caught, said = bugs.caught(bug, Path(folder))
        through += not is_caught
        sys.stdout.write(f"{bug:24} {'caught by' if is_caught else 'WENT THROUGH'} {test}\n")
        if not is_caught:
            sys.stdout.write(said[-3000:])
    sys.stdout.write(f"{len(bugs.CAUGHT_BY) - through} of {len(bugs.CAUGHT_BY)} caught\n")
    return 1 if through else 0


if __name__ == "__main__":
    sys.exit(main())
