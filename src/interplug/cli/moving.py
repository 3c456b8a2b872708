"""`import`, `export`, `pull`: objects on their way in and out, many at a time, with a bar on standard error."""

from __future__ import annotations

import contextlib
import gzip
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import IO, Annotated, Any

import msgspec
from cyclopts import Parameter
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from interplug.model.types import encode_json
from interplug.modules import lens
from interplug.modules.node import Node
from interplug.store.keys import OWN, Stored
from interplug.store.tx import Tx
from interplug.sync import files
from interplug.sync.importing import Report, bring_in
from interplug.sync.intake import Wish
from interplug.sync.pull import pull as pull_from
from interplug.sync.recognise import MODULES
from interplug.versions.table import NEWEST

from . import lists, untold
from .ending import FAILED, NETWORK, USAGE, end, errors, show
from .opening import DASH, REPORTING, Reporting, check_version, with_node
from .options import CALLED, FILES, Partner
from .parties import party
from .partners import named

KINDS = {module: kind for kind, module in MODULES.items()}


# --- in


def import_(
    *sources: Annotated[Path, FILES],
    version: Annotated[str | None, Parameter(help="OCPI version of the objects; without it, recognised.")] = None,
    party_: Annotated[list[str] | None, Parameter(name="--party", help="Only objects of this party, as NL-TNM; may be repeated.")] = None,
    audience: Annotated[
        str | None, CALLED, Parameter(help="Who may see them: an audience, or everybody. Without it, who may already.")
    ] = None,
    keep_times: Annotated[
        bool,
        Parameter(
            name="--keep-times", negative=(), help="Leave each last_updated as it is; partners who ask by date may not hear of the object."
        ),
    ] = False,
    common: Reporting = REPORTING,
) -> None:
    """Take Locations, Tariffs, Tokens, Sessions, CDRs or payment terminals from files as our own.

    A file is a JSON list, an OCPI response or JSON lines, plain or gzip; - is standard input. What cannot be taken goes to quarantine
    and is reported with its reason. Parties that the node does not know become its own. Once there is a partner, what is new or has
    changed has the last_updated of now, so that partners who ask for changes since a date hear of it.
    """
    if not sources:
        end("name at least one file", USAGE)
    check_version(version)
    wish = Wish(version, tuple(party(text) for text in party_ or ()), audience, keep_times)
    report = Report()
    unreadable: list[dict[str, str]] = []

    async def work(node: Node) -> list[dict[str, Any]]:
        for source in sources:
            try:
                with _source(source) as (file, progress):
                    await bring_in(node.directory, file, wish, report, progress)
            except (files.Unreadable, OSError) as error:
                unreadable.append({"file": str(source), "reason": getattr(error, "strerror", None) or str(error)})

        return untold.untold(node, report.parties)

    told = with_node(common, work, makes=True)
    document = {**report.document(), "untold": told, "files": [str(source) for source in sources], "unreadable": unreadable}
    show(document, _report_lines(document), json=common.json)
    if unreadable:
        end(f"{unreadable[0]['file']}: {unreadable[0]['reason']}", FAILED)


@contextlib.contextmanager
def _source(source: Path) -> Iterator[tuple[files.Bytes, Callable[[int], None]]]:
    """The bytes of a file, and what is to be told how many objects were read."""
    with contextlib.ExitStack() as stack:
        raw = sys.stdin.buffer if str(source) == "-" else stack.enter_context(source.open("rb"))
        size = None if raw is sys.stdin.buffer else source.stat().st_size
        bar = stack.enter_context(_bar("{task.fields[read]} objects"))
        task = bar.add_task(source.name, total=size, read=0)

        def progress(read: int) -> None:
            bar.update(task, completed=raw.tell() if size is not None else 0, read=read)

        yield files.opened(raw), progress


def _bar(text: str) -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TextColumn(text), TimeElapsedColumn(),
        console=errors, transient=not errors.is_terminal, disable=not errors.is_terminal,
    )  # fmt: skip


def _report_lines(document: dict[str, Any]) -> Iterator[str]:
    accepted, repaired, refused = document["accepted"], document["repaired"], document["refused"]
    yield f"read {document['read']}: {accepted} accepted, {repaired} of them repaired, {refused} refused"
    yield f"  {document['created']} new, {document['changed']} changed, {document['unchanged']} as they were"
    if document["dated"]:
        yield f"  {document['dated']} have the last_updated of now, for partners who ask by date (--keep-times leaves what the file says)"
    for title, counts in (("objects", document["modules"]), ("versions", document["versions"]), ("repairs", document["repairs"])):
        if counts:
            yield f"  {title}: " + ", ".join(f"{name} {n}" for name, n in counts.items())
    if document["parties"]:
        yield f"  new parties of ours: {', '.join(document['parties'])}"
    yield from untold.lines(document["untold"])
    for one in document["held"]:
        yield f"  held {one['count']}: {one['code']} (such as {one['example']}); see: interplug cdr list --held"
    for one in document["reasons"]:
        example = f" (such as {one['example']})" if one["example"] else ""
        yield f"  refused {one['count']}: {one['module'] or 'object'} {one['path']} {one['reason']}{example}"


# --- out


def export(
    *modules: str,
    out: Annotated[Path, DASH, Parameter(help="File to write (packed when it ends in .gz); - is standard output.")] = Path("-"),
    partner: Annotated[str | None, Parameter(help="What this partner sent, instead of our own.")] = None,
    version: Annotated[str, Parameter(help="OCPI version to write.")] = NEWEST,
    party_: Annotated[str | None, Parameter(name="--party", help="Only objects of this party, as NL-TNM.")] = None,
    common: Reporting = REPORTING,
) -> None:
    """Write objects as JSON lines, which `import` can read again.

    Parameters
    ----------
    modules
        Any of locations, tariffs, tokens, sessions, cdrs and terminals.
    """
    unknown = [module for module in modules if module not in KINDS]
    if unknown or not modules:
        end(f"{unknown[0] if unknown else 'nothing'!r} cannot be exported; one or more of {', '.join(KINDS)}", USAGE)
    check_version(version)
    wanted = None if party_ is None else party(party_).key
    counts = {"written": 0, "withheld": 0}

    async def work(node: Node) -> None:
        source = OWN if partner is None else named(node, partner).id
        with _written(out) as file:
            for module in modules:
                async for stored in _batches(node, module, source):
                    if wanted is not None and (stored.key.country.upper(), stored.key.party.upper()) != wanted:
                        continue
                    said = await _said(node, module, version, stored)
                    counts["withheld" if said is None else "written"] += 1
                    if said is not None:
                        file.write(encode_json(said) + b"\n")

    with_node(common, work)
    withheld = f"{counts['withheld']} cannot be said in OCPI {version}" if counts["withheld"] else ""
    if str(out) != "-":
        lines = [f"{counts['written']} written to {out}{f', {withheld}' if withheld else ''}"]
        show({"file": str(out), "modules": modules, "version": version, **counts}, lines, json=common.json)
    elif withheld:
        errors.print(withheld, markup=False)


@contextlib.contextmanager
def _written(out: Path) -> Iterator[IO[bytes]]:
    if str(out) == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    elif out.suffix == ".gz":
        with gzip.open(out, "wb") as packed:
            yield packed  # type: ignore[misc]
    else:
        with out.open("wb") as plain:
            yield plain


async def _batches(node: Node, module: str, source: int) -> AsyncIterator[Stored]:
    """Batch by batch, so that no snapshot is held while a slow reader takes them."""
    number = 0

    async def next_ones(tx: Tx) -> tuple[list[Stored], int]:
        return await tx.objects.batch(module, number, 200, source)

    while True:
        found, number = await node.store.read(next_ones)
        if not found:
            return
        for stored in found:
            yield stored


async def _said(node: Node, module: str, version: str, stored: Stored) -> dict[str, Any] | None:
    now, settings = node.clock(), node.settings
    return await node.store.read(lambda tx: lens.show_to_all(tx, version, KINDS[module], stored.document, now, settings))


# --- from a partner


def pull(
    partner: Partner,
    /,
    *,
    module: Annotated[list[str] | None, Parameter(help="Only this module's list; may be repeated.")] = None,
    full: Annotated[bool, Parameter(negative=(), help="All of it, not only what has changed; what is missing there ends here.")] = False,
    believe: Annotated[bool, Parameter(negative=(), help="With --full: end at once what the list lacks, however much it is.")] = False,
    common: Reporting = REPORTING,
) -> None:
    """Bring our copies of a partner's objects level with its lists."""

    if believe and not full:
        end("--believe goes with --full", USAGE)
    lists.check_list(module or ())

    async def work(node: Node) -> list[Any]:
        with _bar("{task.completed} objects") as bar:
            tasks: dict[str, Any] = {}

            def progress(name: str, read: int, total: int | None) -> None:
                if name not in tasks:
                    tasks[name] = bar.add_task(name, total=total)
                bar.update(tasks[name], completed=read, total=total)

            return await pull_from(
                node, named(node, partner), tuple(module) if module else None, full=full, believe=believe, progress=progress
            )

    document = [msgspec.structs.asdict(one) for one in with_node(common, work)]
    show(document, lists.lines(document) if document else [], json=common.json)
    if not document:
        end(f"this partner lists nothing {'of that ' if module else ''}that a role of ours receives")
    failed = next((one for one in document if one.get("fault")), None)
    if failed is not None:
        end(f"{failed['module']}: {failed['fault']}", NETWORK)
