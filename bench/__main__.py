"""Figures of design section "What it must reach": `python -m bench [name …]`. Prints, asserts nothing."""

import sys
from importlib import import_module

from bench.servers import Missing

NAMES = (
    "bill",
    "quote",
    "discovery",
    "pages",
    "inbox",
    "door",
    "readings",
    "papers",
    "desk",
    "memory",
    "startup",
    "suite",
)
LONG = ("soak", "orders")  # only when they are named


def main(wanted: list[str]) -> int:
    unknown = set(wanted) - {*NAMES, *LONG}
    if unknown:
        print(f"unknown: {', '.join(sorted(unknown))}; there are: {', '.join(NAMES + LONG)}", file=sys.stderr)
        return 2
    failed = 0
    for name in wanted or NAMES:
        try:
            import_module(f"bench.{name}").run()
        except Missing as missing:
            print(f"\n{name}: skipped: {missing}")
        except (AssertionError, OSError) as fault:
            failed += 1
            print(f"\n{name}: could not be measured: {fault}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
