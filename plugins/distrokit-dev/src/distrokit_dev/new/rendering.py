"""From the templates to the texts of a package's files.

A template lies under ``templates/both`` or ``templates/plugin``, where its file will be; its path is a template too,
and ends in ``.jinja``, so that no tool takes it for what it will become.
"""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined

import distrokit
from distrokit_dev.new.names import Names

_SUFFIX = ".jinja"


def render(names: Names) -> dict[str, str]:
    """Path to text, for every file of the package; paths have slashes."""
    # No escaping: what is made is no HTML, and every name was checked.
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
