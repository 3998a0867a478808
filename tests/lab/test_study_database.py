"""What a study's database says against its use becomes one plain error."""

import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import optuna
import pytest

from tumorlens.errors import ConfigError
from tumorlens.lab.study_database import open_study, reaching, shown


@pytest.fixture(autouse=True)
def _quiet() -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)


@pytest.mark.parametrize(
    ("storage", "said"),
    [
        ("study.db", "--storage: expected the address of a database"),
        ("postgresql://me:pass@secret:word@host/studies", "--storage: expected the address"),
        ("sqlite://study.db", "Invalid SQLite URL"),
        ("postgres://me:secret@host/studies", "Can't load plugin: sqlalchemy.dialects:postgres"),
        ("redis://me:secret@host/0", "RedisStorage is removed"),
        ("postgresql+psycopg2://me:secret@host/n?password=secret", "found no module psycopg2"),
    ],
)
def test_an_address_that_leads_nowhere_is_told_without_its_password(
    storage: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg2", None)
    with pytest.raises(ConfigError) as told:
        open_study("made", storage)
    assert said in str(told.value)
    assert "secret" not in str(told.value)
    assert "\n" not in str(told.value)


def test_a_file_that_is_no_database_is_told_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "study.db"
    path.write_bytes(b"of something else" * 100)
    with pytest.raises(ConfigError, match=r"study\.db: .* file is not a database"):
        open_study("made", f"sqlite:///{path}")
    assert path.read_bytes() == b"of something else" * 100


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="unable to open database file"):
        open_study("made", f"sqlite:///{tmp_path / 'absent' / 'study.db'}")


def test_tables_of_another_optuna_are_told(tmp_path: Path) -> None:
    path = tmp_path / "study.db"
    open_study("made", f"sqlite:///{path}")
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE alembic_version SET version_num = 'v9.9.9'")
    with pytest.raises(ConfigError, match="no longer compatible with the table schema"):
        open_study("made", f"sqlite:///{path}")


@pytest.mark.parametrize("use", ["open", "keep"])
def test_a_locked_database_is_told_when_opened_and_in_use(tmp_path: Path, use: str) -> None:
    path = tmp_path / "study.db"
    storage = f"sqlite:///{path}?timeout=0"
    study = open_study("made", storage)
    uses = {
        "open": lambda: open_study("made", storage),
        "keep": lambda: study.set_user_attr("name", "value"),
    }
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(ConfigError) as told, reaching(storage):
            uses[use]()
    assert "found database is locked. Check that" in str(told.value)
    assert told.value.source == f"sqlite:///{path}"
    study.set_user_attr("name", "value")
    assert open_study("made", storage).user_attrs == {"name": "value"}


def test_an_address_is_shown_without_password_and_options() -> None:
    assert shown("mysql://me:secret@host/n?ssl_key=secret") == "mysql://me:***@host/n"
