"""The lock files beside a ledger: whoever sends holds one until they end, however they end."""

from pathlib import Path

from filelock import FileLock


def lock_of(ledger: Path, owner_id: str) -> tuple[Path, FileLock]:
    """Return the lock of an owner and its file, in a folder that may not be there yet."""
    path = _folder(ledger) / f"{owner_id}.lock"
    return path, _lock(path)


def is_anybody_sending(ledger: Path) -> bool:
    """Tell whether somebody holds a lock of this ledger, or may."""
    return any(_is_held(_lock(path)) for path in _folder(ledger).glob("*.lock"))


def _lock(path: Path) -> FileLock:
    """Make a lock of the system's, which dies with its process; a mere file would outlive it."""
    return FileLock(path, thread_local=False, fallback_to_soft=False)


def _is_held(lock: FileLock) -> bool:
    try:
        with lock.acquire(timeout=0):
            return False
    except OSError:  # held, or not ours to look at
        return True


def _folder(ledger: Path) -> Path:
    path = ledger.resolve()  # one lock, whichever link the ledger was opened by
    return path.with_name(f"{path.name}.owners")
