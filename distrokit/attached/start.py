"""Starts distrokit from a folder, in an application that does not know of it."""

from __future__ import annotations

import os
import sys

from .decision import APPLICATION_FIRST, DISABLED, Decision, decide, find_opentelemetry, this_interpreter
from .finder import AttachedFinder
from .program import application_path, becomes_another

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_PACKAGES = "distrokit-attached"
_LAUNCHER = "distrokit/launch/site"
#: The request of ``distrokit doctor``, see :data:`distrokit.settings.environ.ASKED`.
_ASKED = "_DISTROKIT_ASKED"
#: As in distrokit.launch.site.sitecustomize.
_LAUNCHED = "_DISTROKIT_LAUNCHED"
#: Endings of the launchers' folders on the path.
_LAUNCHERS = ("/opentelemetry/instrumentation/auto_instrumentation", f"/{_LAUNCHER}")


class Attachment:
    """The start in this process.

    Args:
        root: the folder.
        say: prints a line, once in this process and its children.
        import_next: imports the ``sitecustomize`` that the folder hides.
        answer_doctor: if ``distrokit doctor`` has started this process, tells it why the folder does nothing, and what
            the remedy is.
    """

    def __init__(
        self,
        root: str,
        say: Callable[[str], None],
        import_next: Callable[[], None],
        answer_doctor: Callable[[str, str], None],
    ) -> None:
        self.root, self._say, self._import_next, self._answer_doctor = root, say, import_next, answer_doctor
        self._decision: Decision | None = None
        #: The path that the decision is for.
        self._path: list[str] = []

    def start(self) -> None:
        """Decide, and start distrokit, or do nothing. Raises what the user's own ``sitecustomize`` raises."""
        launcher = _installed_launcher()
        if launcher:
            self._debug(f"the application has distrokit installed, which starts instead: {launcher}")
            if os.environ.get(_ASKED):
                launcher = launcher.replace(_LAUNCHER, "distrokit/cli/guard")
            # It runs the user's own.
            sys.path.insert(0, launcher)
            self._import_next()
            return
        self._run_users_own()
        try:
            self._start()
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # the application runs
            reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
            self._say(f"{self.root}: {reason}; the application runs without distrokit. Build the folder again.")

    def _run_users_own(self) -> None:
        """Import the user's own ``sitecustomize``, but no launcher's: distrokit does what that does."""
        launchers = [(at, entry) for at, entry in enumerate(sys.path) if entry.endswith(_LAUNCHERS)]
        sys.path[:] = [entry for entry in sys.path if not entry.endswith(_LAUNCHERS)]
        try:
            self._import_next()
        finally:
            # At their places in the path, which the module may have changed.
            for at, entry in launchers:
                sys.path.insert(at, entry)

    def _run_other_launcher(self) -> None:
        """Import the ``sitecustomize`` of the first launcher on the path, if there is one."""
        launcher = next((entry for entry in sys.path if entry.endswith(_LAUNCHERS)), None)
        if launcher is not None:
            sys.path.insert(0, launcher)
            self._import_next()
            if sys.path[0] == launcher:
                del sys.path[0]

    def _start(self) -> None:
        from .contents import CONTENTS  # type: ignore[import-not-found]  # written when the folder is built

        finder = AttachedFinder(self.root, f"{self.root}/{_PACKAGES}", CONTENTS, self._decide)
        decision = finder.decision
        if not finder.is_enabled:
            self._answer_doctor(decision.reason, decision.remedy)
            self._say_disabled(decision)
            self._run_other_launcher()
            return
        self._debug(f"{decision.reason} ({decision.mode}, {this_interpreter()})")
        sys.meta_path.insert(0, finder)
        imported = sys.modules.get("opentelemetry")
        if imported is not None:
            finder.extend(imported)
        first = application_path()[0]
        if decision.mode == APPLICATION_FIRST and first not in sys.path and find_opentelemetry([first]):
            # Python adds this entry a moment later, and the start needs what is in it.
            sys.path.insert(0, first)
            try:
                self._start_distrokit()
            finally:
                sys.path.remove(first)
        else:
            self._start_distrokit()

    @staticmethod
    def _start_distrokit() -> None:
        # Imported by name, since distrokit can be imported only now; and without importlib, which takes time.
        asked = os.environ.get(_ASKED)
        if asked:
            __import__("distrokit.cli.guard.sitecustomize", fromlist=("",)).answer_attached(asked)
        elif _LAUNCHED in os.environ or becomes_another() or not _sleep():
            __import__("distrokit.launch.site.sitecustomize", fromlist=("",)).start_process()

    def _decide(self, finder: AttachedFinder) -> Decision:
        """Decide, and again if the path has changed: an application may add its packages to it at any time."""
        before = self._decision
        imported = any(name.startswith("opentelemetry.") for name in sys.modules)
        if before is not None and (imported or self._path == sys.path):
            return before
        self._path = [*sys.path]
        # Finders of others, such as those of editable installations, find packages that are not on the path.
        parts = [os.path.dirname(part) for part in finder.find_application_parts()]  # noqa: PTH120  (pathlib is not imported yet)
        decision = self._decision = decide(finder.contents, [*application_path(), *parts], [*sys.modules])
        if before is not None and decision.mode == DISABLED != before.mode:
            self._say_disabled(decision)
        return decision

    def _say_disabled(self, decision: Decision) -> None:
        self._say(f"{self.root}: {decision.reason}; the application runs without distrokit. {decision.remedy}")

    def _debug(self, text: str) -> None:
        if os.environ.get("OTEL_LOG_LEVEL", "").strip().lower() in ("debug", "trace"):
            self._say(f"{self.root}: {text}")


def _sleep() -> bool:
    """Wait for the first use of telemetry, without the launcher's modules; false if that is not possible."""
    try:
        bootstrap = __import__("distrokit.lazy.bootstrap", fromlist=("",))
        return bootstrap.sleep_until_used() is not None
    except Exception:
        # The launcher does it again, and reports it.
        return False


def _installed_launcher() -> str:
    """Return the launcher's folder of a distrokit that the application has installed; empty if it has none."""
    for finder in sys.meta_path:
        find = getattr(finder, "find_spec", None)
        spec = find("distrokit", None) if find else None
        for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
            launcher = os.path.join(folder, *_LAUNCHER.split("/")[1:])  # noqa: PTH118  (pathlib is not imported yet)
            if os.path.isfile(f"{launcher}/sitecustomize.py"):  # noqa: PTH113  (likewise)
                return launcher
    return ""
