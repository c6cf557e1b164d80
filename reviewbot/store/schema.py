"""Brings a run database to the schema of this version, safely with several processes at once."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from reviewbot.errors import StoreError

VERSION = "0004"
_LOCK = 727_110_515  # names our advisory lock on Postgres
_KEPT, _MORE = 2, 3  # connections of one store; a server of few processes has several, and Postgres allows 100 in all


def open_engine(url: str) -> Engine:
    """An engine on an up-to-date database. Raises StoreError with the remedy."""
    try:
        parsed = make_url(url)
        if parsed.drivername in ("postgresql", "postgres"):
            parsed = parsed.set(drivername="postgresql+psycopg")
        if parsed.get_backend_name() == "sqlite":
            engine = _sqlite(parsed.database or "", url)
        else:
            engine = create_engine(parsed, pool_pre_ping=True, pool_size=_KEPT, max_overflow=_MORE)
        _upgrade(engine)
    except (ArgumentError, ImportError, NoSuchModuleError) as error:
        raise StoreError(
            "REVIEWBOT_DATABASE_URL is not the address of a database.", remedy="Write sqlite:///FILE or postgresql://…"
        ) from error
    except (DBAPIError, OSError) as error:
        said = str(getattr(error, "orig", error)).splitlines()[0]
        raise StoreError(
            f"The run database cannot be used: {said}.",
            remedy="Check REVIEWBOT_DATABASE_URL, or set REVIEWBOT_DATA_DIR to a folder that can be written.",
        ) from error
    return engine


def _sqlite(file: str, url: str) -> Engine:
    if file and file != ":memory:":
        path = Path(file)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600, exist_ok=True)
    engine = create_engine(url)

    @event.listens_for(engine, "connect")
    def _settle(connection: object, _: object) -> None:
        cursor = connection.cursor()  # type: ignore[attr-defined]  # a DB-API connection, which has no type
        for pragma in ("busy_timeout=10000", "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return engine


def _upgrade(engine: Engine) -> None:
    """Alembic costs half a second to import, so it is asked only when the version differs."""
    with engine.connect() as connection:
        if _version(connection) == VERSION:
            return
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    with engine.connect() as connection:
        _hold(connection)
        config.attributes["connection"] = connection
        found = _version(connection)
        if found is not None and found > VERSION:
            raise StoreError(
                f"The run database has version {found}, which is newer than this reviewbot's {VERSION}.",
                remedy="Upgrade reviewbot, or set REVIEWBOT_DATABASE_URL to another database.",
            )
        if found != VERSION:
            command.upgrade(config, "head")
        connection.commit()


def _hold(connection: Connection) -> None:
    """Let one process migrate at a time; the lock goes with the transaction."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})


def _version(connection: Connection) -> str | None:
    if not _has_versions(connection):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return str(found) if found is not None else None


def _has_versions(connection: Connection) -> bool:
    """Whether any migration was ever run here."""
    if connection.dialect.name == "sqlite":
        query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'alembic_version'"
    else:
        query = "SELECT 1 WHERE to_regclass('alembic_version') IS NOT NULL"
    return connection.execute(text(query)).scalar() is not None
