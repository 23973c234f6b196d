"""`python -m tests.simulations [PART ...]` writes docs/simulations.md again, by default all of it."""

import sys

from tests.simulations.page import PAGE, PARTS, with_simulations


def main(names):
    """Run the parts named, in the order given, and write each as soon as it is there."""
    for name in names or PARTS:
        part = PARTS[name]()
        page = with_simulations(PAGE.read_text(encoding="utf-8"), {name: part})
        PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    unknown = [name for name in sys.argv[1:] if name not in PARTS]
    if unknown:
        raise SystemExit(f"Got part {unknown[0]!r}, but there are: {', '.join(PARTS)}.")
    main(sys.argv[1:])
