"""The console script. It alone may be imported without the libraries of a node, so it names the extra that a command lacks."""

from __future__ import annotations

import sys

PURE = (["tariff"], ["cdr", "verify"])
"""How the commands begin that need no node."""

EXTRAS = {
    "opentelemetry": "otel",
    "asyncpg": "postgres",
    "greenlet": "postgres",
    "argon2": "stations",
    "jsonschema_rs": "stations",
    "ocpp": "stations",
    "stripe": "payments",
    "websockets": "stations",
}
"""Which extra brings a library; all others come with `node`."""


def main() -> None:
    try:
        if any(sys.argv[1:][: len(words)] == words for words in PURE):
            from interplug.cli.pure import start
        else:
            from interplug.cli.commands import start
        start()
    except ImportError as error:
        # A command that is opened when it is called fails with the reason as the cause.
        missing = error if isinstance(error, ModuleNotFoundError) else error.__cause__
        name = (getattr(missing, "name", None) or "").partition(".")[0]
        if not isinstance(missing, ModuleNotFoundError) or name == "interplug":
            raise
        extra = EXTRAS.get(name, "node")
        print(f"interplug: {name} is missing; this command needs: pip install 'interplug[{extra}]'", file=sys.stderr)
        raise SystemExit(4) from None


if __name__ == "__main__":
    main()
