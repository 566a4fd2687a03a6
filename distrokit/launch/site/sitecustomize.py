"""Stands first on PYTHONPATH under ``distrokit run``: starts distrokit, then lets the user's own ``sitecustomize`` run.

Python imports one module of this name, so whoever launches by it hides the next one. Every Python that COMMAND starts
comes by here, those of other environments as well: this is written in what all of them read, imports nothing of
distrokit's until that is known to be there, and says nothing where it is not.
"""

import os
import sys

#: Holds the id of the process that COMMAND becomes: that one is told why it has no telemetry, its children are not.
LAUNCHED = "_DISTROKIT_LAUNCHED"
#: Holds the folders that ``opentelemetry-instrument`` has put on PYTHONPATH, and the user has not.
ADDED = "_DISTROKIT_ADDED"

_HERE = os.path.dirname(os.path.abspath(__file__))
_UPSTREAMS = os.sep + os.path.join("opentelemetry", "instrumentation", "auto_instrumentation")
#: How the folders end that are on the path to launch, ``opentelemetry-instrument``'s and this one.
_LAUNCHERS = (_UPSTREAMS, os.sep + os.path.join("distrokit", "launch", "site"))
#: Programs that become another one, which is the one to start in.
_BECOMES = ("distrokit", "opentelemetry-instrument")


def hidden_by_upstream():  # type: () -> bool
    """Whether the module that stands in the place of the user's own is that of ``opentelemetry-instrument``."""
    standing = getattr(sys.modules.get("sitecustomize"), "__file__", None) or ""
    return os.path.dirname(os.path.abspath(standing)).endswith(_UPSTREAMS)


def run_users_own():  # type: () -> None
    """Import the ``sitecustomize`` that Python would have found without launchers, as it would have.

    An exception in it is printed as Python prints it. Raises SystemExit, which Python lets through, too.
    """
    import site

    added = os.environ.get(ADDED, "").split(os.pathsep)
    launchers = [(at, e) for at, e in enumerate(sys.path) if str(e).endswith(_LAUNCHERS) or (e and e in added)]
    sys.path[:] = [entry for entry in sys.path if entry not in [hidden for _, hidden in launchers]]
    standing = sys.modules.pop("sitecustomize", None)
    try:
        site.execsitecustomize()
    finally:
        # Whoever is being imported under this name must be there at the end, or Python complains.
        if standing is not None:
            sys.modules.setdefault("sitecustomize", standing)
        # It may have changed the path: back to where they were, into what it is now.
        for at, entry in launchers:
            sys.path.insert(at, entry)


def note_added():  # type: () -> None
    """In ``opentelemetry-instrument``, before it puts the working directory on PYTHONPATH: leave word that it will.

    A ``sitecustomize`` in there is none that Python would have found. Without one there is nothing to note.
    Raises OSError where there is no working directory.
    """
    here = os.getcwd()
    there = os.path.exists("sitecustomize.py") or os.path.isdir("sitecustomize")
    if there and here not in os.environ.get("PYTHONPATH", "").split(os.pathsep):
        noted = os.environ.get(ADDED)
        os.environ[ADDED] = noted + os.pathsep + here if noted else here


def _start():  # type: () -> None
    """Start distrokit; whatever goes wrong, the application runs."""
    if _becomes_another():
        return
    told = os.environ.pop(LAUNCHED, "") == str(os.getpid())
    try:
        if _installed():
            _initialize()
        elif told:
            _say("%s has no distrokit; it runs without telemetry" % sys.executable)
    except KeyboardInterrupt:
        raise
    except BaseException:
        # SystemExit, too: under DISTROKIT_STRICT the process has ended before it comes here.
        error = sys.exc_info()[1]
        text = " ".join(str(error).split())
        _say("start: %s: %s; the application runs without telemetry" % (type(error).__name__, text))


def _initialize():  # type: () -> None
    given = os.environ.get("PYTHONPATH", "")
    without = os.pathsep.join(entry for entry in given.split(os.pathsep) if entry != _HERE)
    # As OpenTelemetry does it: a Python that is run by what starts here must not start the same in turn.
    _set("PYTHONPATH", without)
    try:
        _answer_lookups()
        _import_propagate()
        from opentelemetry.instrumentation.auto_instrumentation import initialize

        initialize()
    finally:
        # By this the application's children are instrumented.
        now = os.environ.get("PYTHONPATH", "")
        _set("PYTHONPATH", given if now == without else os.pathsep.join(filter(None, [_HERE, now])))


def _becomes_another():  # type: () -> bool
    words = [word for word in getattr(sys, "orig_argv", [])[1:] if not word.startswith("-")]
    return bool(words) and os.path.basename(words[0]) in _BECOMES


def _installed():  # type: () -> bool
    """Whether distrokit can be started; looked up, not imported."""
    if sys.version_info < (3, 10):
        return False
    from importlib.util import find_spec

    try:
        launcher = find_spec("opentelemetry.instrumentation.auto_instrumentation")
    except ImportError:
        return False
    return launcher is not None and find_spec("distrokit") is not None


def _answer_lookups():  # type: () -> None
    """OpenTelemetry looks for its parts in a list of its own, which one unreadable package makes fail."""
    # By name: nothing here may need distrokit in order to be imported.
    from contextlib import suppress
    from importlib import import_module

    # Where that fails, OpenTelemetry looks itself.
    with suppress(Exception):
        import_module("distrokit.launch.distro_selection").look_up()


def _import_propagate():  # type: () -> None
    """OpenTelemetry resolves OTEL_PROPAGATORS while it is imported, and raises on what it cannot import.

    distrokit resolves it anew, and a wrong name, or a package that raises, costs itself.
    """
    given = os.environ.get("OTEL_PROPAGATORS", "")
    _set("OTEL_PROPAGATORS", "tracecontext,baggage")
    try:
        import opentelemetry.propagate  # noqa: F401  (imported for what it reads meanwhile)
    finally:
        _set("OTEL_PROPAGATORS", given)


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


# Under its full name only its functions are used.
if __name__ == "sitecustomize":
    sys.path[:] = [entry for entry in sys.path if entry != _HERE]
    if os.environ.get("_DISTROKIT_ASKED"):
        # `distrokit doctor -- distrokit run ...`: what answers stands in for the user's own, and ends this process.
        sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(_HERE)), "cli", "guard"))
    else:
        _start()
    run_users_own()
