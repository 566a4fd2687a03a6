"""Builds a folder beside its place, and puts it there when it is whole."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from types import FrameType

from distrokit_build.contents import CODE
from distrokit_build.errors import BuildError

_PART = ".part-"


@contextlib.contextmanager
def work_folder(target: Path, option: str) -> Iterator[Path]:
    """Return a folder beside the target, which is removed at the end, also after SIGTERM.

    Folders of builds that were killed are removed, too.

    Args:
        target: what is made.
        option: of the command that names it, for messages.

    Raises: :class:`BuildError`: the target's parent cannot be written to.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        for leftover in target.parent.glob(f".{target.name}{_PART}*"):
            if not _is_alive(leftover.name.removeprefix(f".{target.name}{_PART}").partition("-")[0]):
                shutil.rmtree(leftover, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{target.name}{_PART}{os.getpid()}-", dir=target.parent))
    except OSError as error:
        raise BuildError(
            f"{target} cannot be written: {error.strerror or error}", f"Choose another {option}."
        ) from error
    before = signal.signal(signal.SIGTERM, _end)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        signal.signal(signal.SIGTERM, before)


def check_target(target: Path) -> None:
    """Raise :class:`BuildError` if something else than a folder of ``distrokit build`` is at the target."""
    if target == Path.cwd() or target in Path.cwd().parents:
        raise BuildError(f"{target} is, or contains, the working directory", "Choose a folder in it.")
    if target.is_dir() and not (target / CODE).is_dir() and any(target.iterdir()):
        remedy = f"Choose another --target, or remove {target}."
        raise BuildError(f"{target} is no folder of `distrokit build`, and has files in it", remedy)
    if target.exists() and not target.is_dir():
        raise BuildError(f"{target} is a file", "Choose another --target.")
    if target.is_dir() and not os.access(target, os.W_OK):
        raise BuildError(f"{target} cannot be replaced: it may not be written to", "Choose another --target.")


def put_in_place(built: Path, target: Path, work: Path) -> None:
    """Move what was built to the target; an older folder there is replaced. The last of several builds wins.

    Raises: :class:`OSError`: the older folder is at its place again.
    """
    for path in (built, *built.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    for number in count():
        before = work / f"before-{number}"
        with contextlib.suppress(FileNotFoundError):
            target.rename(before)
        try:
            built.rename(target)
            return
        except OSError as error:
            # Another build has put its folder there meanwhile.
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                if before.exists():
                    before.rename(target)
                raise


def _is_alive(pid: str) -> bool:
    """Tell whether the process of another build is still there."""
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
