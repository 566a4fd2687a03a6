"""Renders the templates of a package's files.

Templates are in ``templates/both``, ``templates/plugin`` and ``templates/distro``. A template's path is a template,
too. It ends in ``.jinja``, so that no tool takes it for a Python or TOML file.
"""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined

import distrokit
from distrokit_dev.new.names import Names

_SUFFIX = ".jinja"


def render(names: Names) -> dict[str, str]:
    """Render all files of a package: path, with slashes, to text."""
    environment = Environment(
        loader=PackageLoader("distrokit_dev.new"),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701  # Python and TOML are no HTML
        keep_trailing_newline=True,
        trim_blocks=True,
    )
    values = {
        "kind": names.kind,
        "name": names.own,
        "distribution": names.distribution,
        "module": names.module,
        "prefix": names.prefix,
        "release": ".".join(distrokit.__version__.split(".")[:2]),
    }
    files = {}
    for path in environment.list_templates(extensions=[_SUFFIX.lstrip(".")]):
        folder, _, inside = path.partition("/")
        if folder in ("both", names.kind):
            place = environment.from_string(inside.removesuffix(_SUFFIX)).render(values)
            files[place] = environment.get_template(path).render(values)
    return dict(sorted(files.items()))
