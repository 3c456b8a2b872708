"""The code of neighbours: the release that was kept last, and the one that comes after this.

The code of the newest release stands packed beside its databases (`tests/store/kept.py`), and the bench that it was tried with, whose
owners' systems know their own node. The next release is this one with a step of the schema more, that adds whatever a step may add.
"""

from __future__ import annotations

import io
import lzma
import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path

from interplug.store import schema

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / "tests/fixtures/releases"
CODE = "code.tar.xz"
NEEDED = ("src/interplug", "chaos", "bench")
REHEARSAL = '''"""Whatever a step of the schema may do: a column more in every table, a table, an index."""

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{before}"


def upgrade() -> None:
    for table in sa.inspect(op.get_bind()).get_table_names():
        if table != "alembic_version" and not table.startswith("place_words"):  # the index of words is SQLite's own
            op.add_column(table, sa.Column("rehearsed", sa.BigInteger, nullable=False, server_default="0"))
    op.create_table("rehearsal", sa.Column("no", sa.BigInteger, primary_key=True, nullable=False, autoincrement=False))
    op.create_index("object_rehearsed", "object", ["rehearsed"])
'''


@dataclass(frozen=True)
class Release:
    root: Path = ROOT

    @property
    def environment(self) -> dict[str, str]:
        """Of a process that runs this code."""
        return {"PYTHONPATH": f"{self.root / 'src'}:{self.root}"}


HERE = Release()
"""The code as it stands here."""


def before(folder: Path) -> Release:
    """The newest release that was kept with its code."""
    code = max(KEPT.glob(f"*/{CODE}"))
    with tarfile.open(code) as packed:
        packed.extractall(folder, filter="data")
    return Release(folder)


def after(folder: Path) -> Release:
    """This release with one more step."""
    for name in NEEDED:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    revision = f"{schema.number(schema.newest()) + 1:04d}_rehearsal"
    step = REHEARSAL.format(revision=revision, before=schema.newest())
    (folder / "src/interplug/store/migrations/versions" / f"{revision}.py").write_text(step)
    return Release(folder)


def pack(target: Path) -> None:
    """The code as it stands here."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as files:
        for name in NEEDED:
            files.add(ROOT / name, name, filter=_plain)
    target.write_bytes(lzma.compress(packed.getvalue(), preset=9))


def _plain(file: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Nothing of the machine that packs it."""
    if "__pycache__" in file.name:
        return None
    file.uid = file.gid = file.mtime = 0
    file.uname = file.gname = ""
    return file
