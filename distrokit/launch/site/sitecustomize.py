"""The ``sitecustomize`` of ``distrokit run``: starts distrokit, then runs the user's own ``sitecustomize``.

Python imports only one module of this name, so a launcher hides the user's. Every Python that COMMAND starts imports
this file, also those of other environments: it uses syntax that all versions read, imports distrokit only if it is
installed, and prints nothing if it is not.
"""

import os
import sys

#: Holds the id of the process that COMMAND becomes: only that one reports why it has no telemetry, not its children.
LAUNCHED = "_DISTROKIT_LAUNCHED"
#: Holds the folders on PYTHONPATH that ``opentelemetry-instrument`` put there, not the user.
ADDED = "_DISTROKIT_ADDED"

_HERE = os.path.dirname(os.path.abspath(__file__))
_UPSTREAMS = os.sep + os.path.join("opentelemetry", "instrumentation", "auto_instrumentation")
#: Endings of the launchers' folders on the path: ``opentelemetry-instrument``'s and this one.
LAUNCHERS = (_UPSTREAMS, os.sep + os.path.join("distrokit", "launch", "site"))
#: Programs that become another program, in which distrokit starts.
_BECOMES = ("distrokit", "opentelemetry-instrument")


#: The package in a folder of ``distrokit build`` that has its code; see distrokit.attached.
_ATTACHED = "_distrokit_attach"


def is_launcher(entry):  # type: (str) -> bool
    """True for an entry of PYTHONPATH that starts distrokit or OpenTelemetry in each Python."""
    return str(entry).endswith(LAUNCHERS) or _is_attached(entry)


def _is_attached(entry):  # type: (str) -> bool
    # The injector's entries are one folder below, the operator's three.
    above = os.path.dirname(entry)
    folders = (entry, above, os.path.dirname(os.path.dirname(above)))
    return any(os.path.isdir(os.path.join(folder, _ATTACHED)) for folder in folders if folder)


def hidden_by_upstream():  # type: () -> bool
    """True if the imported ``sitecustomize`` is that of ``opentelemetry-instrument``."""
    imported = getattr(sys.modules.get("sitecustomize"), "__file__", None) or ""
    return os.path.dirname(os.path.abspath(imported)).endswith(_UPSTREAMS)


def redirect_launcher():  # type: () -> None
    """Make ``opentelemetry-instrument`` start its program with this file; its own file imports OpenTelemetry's loader.

    The launcher reads distrokit's settings, and then puts the folder of its module first on PYTHONPATH. Its own folder
    stays behind this one, for a Python that has OpenTelemetry without distrokit.
    """
    module = sys.modules.get("opentelemetry.instrumentation.auto_instrumentation")
    file = getattr(module, "__file__", None)
    if module is not None and file and os.path.basename(sys.argv[0]).startswith("opentelemetry-instrument"):
        upstreams = os.path.dirname(os.path.abspath(file))
        before = os.environ.get("PYTHONPATH", "")
        if upstreams not in before.split(os.pathsep):
            os.environ["PYTHONPATH"] = upstreams + os.pathsep + before if before else upstreams
        module.__file__ = os.path.join(_HERE, "__init__.py")


def redirect_children():  # type: () -> None
    """Make children start with this file instead of OpenTelemetry's, which imports OpenTelemetry's loader.

    OpenTelemetry's folder stays behind this one; its loader adds it again where it is missing.
    """
    imported = getattr(sys.modules.get("sitecustomize"), "__file__", None) or ""
    upstreams = os.path.dirname(os.path.abspath(imported))
    before = os.environ.get("PYTHONPATH", "")
    entries = [entry for entry in before.split(os.pathsep) if entry not in (_HERE, upstreams)] if before else []
    entries.insert(0, upstreams)
    entries.insert(0, _HERE)
    os.environ["PYTHONPATH"] = os.pathsep.join(entries)


def run_users_own():  # type: () -> None
    """Import the ``sitecustomize`` that Python would have found without launchers.

    An exception in it is printed as Python prints it. Raises SystemExit, as Python does.
    """
    added = os.environ.get(ADDED, "").split(os.pathsep)
    launchers = [(at, e) for at, e in enumerate(sys.path) if is_launcher(e) or (e and e in added)]
    sys.path[:] = [entry for entry in sys.path if entry not in [hidden for _, hidden in launchers]]
    try:
        import_next()
    finally:
        # Put the launchers back at their places in the path, which the module may have changed.
        for at, entry in launchers:
            sys.path.insert(at, entry)


def import_next():  # type: () -> None
    """Import the first ``sitecustomize`` on the path, while another one is being imported. Raises SystemExit."""
    import site

    imported = sys.modules.pop("sitecustomize", None)
    try:
        site.execsitecustomize()
    finally:
        # Python requires that the module that it is importing is in sys.modules afterwards.
        if imported is not None:
            sys.modules.setdefault("sitecustomize", imported)


def note_added():  # type: () -> None
    """Note, in ``opentelemetry-instrument``, that it is about to put the working directory on PYTHONPATH.

    Python would not have found a ``sitecustomize`` there. Without one there is nothing to note.
    Raises OSError if there is no working directory.
    """
    here = os.getcwd()
    found = os.path.exists("sitecustomize.py") or os.path.isdir("sitecustomize")
    if found and here not in os.environ.get("PYTHONPATH", "").split(os.pathsep):
        added = os.environ.get(ADDED)
        os.environ[ADDED] = added + os.pathsep + here if added else here


def start_process():  # type: () -> None
    """Start distrokit; the application runs also if that fails."""
    if _becomes_another():
        return
    is_command = os.environ.pop(LAUNCHED, "") == str(os.getpid())
    try:
        if _sleep():
            return
        if _installed():
            _initialize()
        elif _is_behind_upstream():
            # A Python of another environment that has OpenTelemetry without distrokit.
            from opentelemetry.instrumentation.auto_instrumentation import initialize

            initialize()
        elif is_command:
            _say(
                "%s has no distrokit; the program runs without telemetry. Install distrokit[otlp] for this Python, or"
                " make a folder with `distrokit build` for `distrokit run --attach`." % sys.executable
            )
    except KeyboardInterrupt:
        raise
    except BaseException:
        # SystemExit, too: DISTROKIT_STRICT ends the process earlier.
        error = sys.exc_info()[1]
        text = " ".join(str(error).split())
        _say("start: %s: %s; the application runs without telemetry" % (type(error).__name__, text))


def _sleep():  # type: () -> bool
    """Wait for the first use of telemetry; false if distrokit must be started at once, or is not installed."""
    if sys.version_info < (3, 10):
        return False
    try:
        from distrokit.lazy.bootstrap import sleep_until_used
    except ImportError:
        return False
    return sleep_until_used() is not None


def _initialize():  # type: () -> None
    before = os.environ.get("PYTHONPATH", "")
    own = [entry for entry in before.split(os.pathsep) if entry == _HERE or _is_attached(entry)]
    without = os.pathsep.join(entry for entry in before.split(os.pathsep) if entry not in own)
    # As OpenTelemetry does: a Python that the start itself runs must not start distrokit again.
    _set("PYTHONPATH", without)
    try:
        _prepare()
        from opentelemetry.instrumentation.auto_instrumentation import initialize

        initialize()
    finally:
        # Instruments the application's children.
        now = os.environ.get("PYTHONPATH", "")
        _set("PYTHONPATH", before if now == without else os.pathsep.join(filter(None, own + [now])))  # noqa: RUF005  # Python 2


def _becomes_another():  # type: () -> bool
    words = [word for word in getattr(sys, "orig_argv", [])[1:] if not word.startswith("-")]
    return bool(words) and os.path.basename(words[0]) in _BECOMES


def _installed():  # type: () -> bool
    """True if distrokit can be started; looks for it without importing it."""
    if sys.version_info < (3, 10):
        return False
    from importlib.util import find_spec

    try:
        launcher = find_spec("opentelemetry.instrumentation.auto_instrumentation")
    except ImportError:
        return False
    return launcher is not None and find_spec("distrokit") is not None


def _is_behind_upstream():  # type: () -> bool
    """True if OpenTelemetry's own launcher would have started this process, if this file were not in front of it."""
    if not any(str(entry).endswith(_UPSTREAMS) for entry in sys.path) or sys.version_info < (3,):
        return False
    from importlib.util import find_spec

    try:
        return find_spec("opentelemetry.instrumentation.auto_instrumentation") is not None
    except ImportError:
        return False


def _prepare():  # type: () -> None
    """Let OpenTelemetry find distrokit's list of entry points, and its distro; import its propagators.

    One unreadable package makes OpenTelemetry's own list fail; of several distros it takes the first one of the folder;
    a wrong name in OTEL_PROPAGATORS raises.
    """
    # Imported by name, since this file must be importable without distrokit.
    from contextlib import suppress
    from importlib import import_module

    # If that fails, OpenTelemetry uses its own list.
    with suppress(Exception):
        module = import_module("distrokit.launch.distro_selection")
        module.claim_loader()
        module.prepare_lookups()
    import_module("distrokit.settings.environ").import_propagate()


def _set(name, value):  # type: (str, str) -> None
    if value:
        os.environ[name] = value
    else:
        os.environ.pop(name, None)


def _say(text):  # type: (str) -> None
    try:
        sys.stderr.write("distrokit: %s\n" % text)
        sys.stderr.flush()
    except Exception:
        pass


# Imported by its full name it only provides functions.
_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(_HERE))))
if __name__ == "sitecustomize" and os.path.isdir(os.path.join(_ROOT, _ATTACHED)):
    # Part of a folder of `distrokit build`, whose own file does the rest.
    sys.path[:] = [_ROOT] + [entry for entry in sys.path if entry != _HERE]
    import_next()
elif __name__ == "sitecustomize":
    sys.path[:] = [entry for entry in sys.path if entry != _HERE]
    if os.environ.get("_DISTROKIT_ASKED"):
        # `distrokit doctor -- distrokit run ...`: the guard runs in place of the user's own, and ends this process.
        sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(_HERE)), "cli", "guard"))
    else:
        start_process()
    run_users_own()
