"""The ``sitecustomize`` of a folder of ``distrokit build``: runs the user's own, then starts distrokit from the folder.

Python imports it when the folder is on PYTHONPATH. Every Python may be started with that, so this file uses syntax that
Python 2.7 reads. The folder itself leaves ``sys.path``: the application imports its own packages.

The same file lies in each folder that a platform puts on PYTHONPATH: the root, ``glibc`` and ``musl`` (OpenTelemetry's
injector), ``opentelemetry/instrumentation/auto_instrumentation`` (OpenTelemetry's operator).
"""

import os
import sys

#: Turns the folder off: ``0``, ``false``, ``no`` or ``off``. The launcher's spelling overrides the other.
SWITCH = "DISTROKIT_ATTACH"
#: Holds checksums of the messages that were printed, as in distrokit.settings.environ: children do not repeat them.
SAID = "_DISTROKIT_SAID"
#: The package that has the code of the folder.
PACKAGE = "_distrokit_attach"
#: The folders that lead to the root, each as path below it; empty for the root itself.
ENTRIES = (
    "",
    "glibc",
    "musl",
    os.path.join("opentelemetry", "instrumentation", "auto_instrumentation"),
    os.path.join("distrokit-attached", "distrokit", "launch", "site"),
)


def find_root(folder):  # type: (str) -> str
    """Return the root of the folder that an entry of PYTHONPATH leads to; empty if it is another one."""
    for entry in ENTRIES:
        if not entry or folder.endswith(os.sep + entry):
            root = folder[: -len(entry) - 1] if entry else folder
            if os.path.isdir(os.path.join(root, PACKAGE)):
                return root
    return ""


def say(text):  # type: (str) -> None
    """Print a line on stderr, once in this process and its children."""
    import binascii

    data = text if isinstance(text, bytes) else text.encode("utf-8", "replace")
    checksum = "%08x" % (binascii.crc32(data) & 0xFFFFFFFF)
    said = os.environ.get(SAID, "")
    if checksum not in said.split(","):
        os.environ[SAID] = said + "," + checksum if said else checksum
        try:
            sys.stderr.write("distrokit: %s\n" % text)
            sys.stderr.flush()
        except Exception:
            # There is no other place to say it.
            pass


def answer_doctor(reason, remedy):  # type: (str, str) -> None
    """Tell ``distrokit doctor`` why the folder does nothing, and end the process, if the doctor has started it."""
    asked = os.environ.get("_DISTROKIT_ASKED")
    if asked:
        import json

        path = json.loads(asked)[1]
        with open(path + ".part", "w") as file:
            json.dump({"disabled": reason, "remedy": remedy}, file)
        os.rename(path + ".part", path)
        os._exit(0)


def import_next():  # type: () -> None
    """Import the first ``sitecustomize`` on the path, while this one is being imported. Raises SystemExit.

    Python prints an exception in it, and goes on.
    """
    import site

    # Held here: Python 2 empties a module that nothing refers to.
    imported = sys.modules.pop("sitecustomize", None)
    try:
        site.execsitecustomize()
    finally:
        # Python requires that the module that it is importing is in sys.modules afterwards.
        if imported is not None:
            sys.modules.setdefault("sitecustomize", imported)


def _attach():  # type: () -> None
    root = find_root(os.path.dirname(os.path.abspath(__file__)))
    own = [os.path.join(root, entry) if entry else root for entry in ENTRIES]
    sys.path[:] = [entry for entry in sys.path if entry not in own]
    switch = os.environ.get("OTEL_PYTHON_" + SWITCH) or os.environ.get(SWITCH, "")
    if switch.strip().lower() in ("0", "false", "no", "off"):
        answer_doctor("%s=%s" % (SWITCH, switch), "unset %s" % SWITCH)
        import_next()
    elif PACKAGE in sys.modules:
        # Another folder, which is before this one on the path, and imports what it takes for the user's own.
        if os.environ.get("OTEL_LOG_LEVEL", "").strip().lower() in ("debug", "trace"):
            say("%s: another folder is before it on the path, and is used instead" % root)
        import_next()
    elif sys.version_info < (3, 10):
        reason = "Python %d.%d is older than 3.10" % sys.version_info[:2]
        remedy = "Run the application with Python 3.10 or later, or set %s=0." % SWITCH
        answer_doctor(reason, remedy)
        say("%s: %s; the application runs without distrokit. %s" % (root, reason, remedy))
        import_next()
    else:
        sys.path.insert(0, root)
        try:
            from _distrokit_attach import start  # type: ignore[import-not-found]  # in the folder only
        except Exception:
            start = None
            error = sys.exc_info()[1]
            say("%s: %s; the application runs without distrokit. Build the folder again." % (root, error))
        sys.path.remove(root)
        if start is None:
            import_next()
        else:
            start.Attachment(root, say, import_next, answer_doctor).start()


# Imported by its full name it only provides functions.
if __name__ == "sitecustomize":
    _attach()
