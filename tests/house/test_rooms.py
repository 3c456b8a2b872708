"""The house rules that no linter knows. The order of the rooms itself is the contract of `make check` (pyproject.toml)."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "src/interplug"
FILES = sorted(SOURCE.rglob("*.py"))
PURE = ("model", "versions", "tariffs", "protocol")

# Stands in for an environment that holds the base install alone: everything else is as if it were not there.
OPEN_PURE_ROOMS = """
import importlib, pathlib, sys

source, allowed = pathlib.Path(sys.argv[1]), sys.argv[2].split(",")

class BaseInstall:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top not in sys.stdlib_module_names and top not in allowed and not top.startswith("_"):
            raise ModuleNotFoundError(f"No module named {name!r} in the base install", name=name)

sys.meta_path.insert(0, BaseInstall())
for room in sys.argv[3:]:
    for file in sorted((source / room).rglob("*.py")):
        importlib.import_module(".".join(("interplug", *file.relative_to(source).with_suffix("").parts)).removesuffix(".__init__"))
"""


def name(path: Path) -> str:
    return str(path.relative_to(SOURCE))


def imported(path: Path) -> set[str]:
    """Dotted names that a file imports, also inside functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_every_folder_with_code_is_a_package() -> None:
    """A room without __init__.py is invisible to the layer contract."""
    assert {name(path.parent) for path in FILES if not (path.parent / "__init__.py").exists()} == set()


def test_no_file_is_over_500_lines() -> None:
    assert [name(path) for path in FILES if len(path.read_text().splitlines()) > 500] == []


LARGE = 20
"""Files from which on a room says where to look for what."""


def test_a_large_room_names_each_of_its_files() -> None:
    """In `__init__.py`; but not the commands, for each file is called like its own, nor the driver's pages, which `pages.py` lists."""
    lacking = {}
    for room in {path.parent for path in FILES if path.parent.name not in ("cli", "driver", "versions")}:
        files = {path.stem for path in room.glob("*.py") if not path.stem.startswith(("__", "00"))}
        said = re.findall(r"\w+", ast.get_docstring(ast.parse((room / "__init__.py").read_text())) or "")
        if len(files) >= LARGE and (left := files - set(said)):
            lacking[name(room)] = sorted(left)
    assert lacking == {}


def test_a_file_begins_with_what_it_is_for() -> None:
    written = [path for path in FILES if path.read_text().strip()]
    assert [name(path) for path in written if not ast.get_docstring(ast.parse(path.read_text()))] == []


def test_no_cycle_is_cured_by_type_checking() -> None:
    assert [name(path) for path in FILES if "typing.TYPE_CHECKING" in imported(path)] == []


def test_sql_lives_in_the_store_alone() -> None:
    drivers = {"sqlite3", "asyncpg", "alembic", "sqlalchemy"}
    users = {name(path) for path in FILES if drivers & {module.partition(".")[0] for module in imported(path)}}
    assert {user for user in users if not user.startswith("store/")} == set()


def test_pure_rooms_know_no_socket_no_clock_and_no_database() -> None:
    forbidden = {"socket", "ssl", "asyncio", "sqlite3", "time", "random", "secrets", "urllib.request", "http.client"}
    pure = [path for path in FILES if path.relative_to(SOURCE).parts[0] in PURE]
    found = {(name(path), module) for path in pure for module in imported(path) if {module, module.partition(".")[0]} & forbidden}
    assert found == set()


def test_pure_rooms_are_told_the_time() -> None:
    clocks = {"now", "utcnow", "today"}
    pure = [path for path in FILES if path.relative_to(SOURCE).parts[0] in PURE]
    calls = [(path, node) for path in pure for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    found = [name(path) for path, call in calls if isinstance(call.func, ast.Attribute) and call.func.attr in clocks]
    assert found == []


def test_the_base_install_opens_the_pure_rooms() -> None:
    """The pure rooms need nothing but what `pip install interplug` brings without an extra."""
    project = tomllib.loads((SOURCE.parents[1] / "pyproject.toml").read_text())["project"]
    allowed = ["interplug", *(re.split(r"[^\w-]", dependency)[0] for dependency in project["dependencies"])]
    command = [sys.executable, "-c", OPEN_PURE_ROOMS, str(SOURCE), ",".join(allowed), *PURE]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_double_of_stripe_is_for_tests_alone() -> None:
    """localstripe is under the GPL: nothing that is installed to run a node may need it."""
    extras = tomllib.loads((SOURCE.parents[1] / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert [name for name, needed in extras.items() if any("localstripe" in one for one in needed)] == ["test"]
    assert [name(path) for path in FILES if "localstripe" in path.read_text()] == []
