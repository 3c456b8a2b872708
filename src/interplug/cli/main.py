"""The console script. It alone may be imported from the base install, so it names the extra that a command lacks."""

from __future__ import annotations

import sys


def main() -> None:
    try:
        from interplug.cli.commands import start
    except ModuleNotFoundError as error:
        name = (error.name or "").partition(".")[0]
        if name == "interplug":
            raise
        print(f"interplug: {name} is missing; this command needs: pip install 'interplug[node]'", file=sys.stderr)
        raise SystemExit(4) from None
    start()


if __name__ == "__main__":
    main()
