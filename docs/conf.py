"""The site: ``uv run --isolated --only-group docs sphinx-build -W --keep-going -n -q docs docs/_build``.

Everything is made from the pages as they stand, and nothing is fetched: a link that a code host can follow, the site can.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from pygments.lexers.special import TextLexer

if TYPE_CHECKING:
    from sphinx.application import Sphinx

DOCS = Path(__file__).parent

project = "distrokit"
author = "The distrokit maintainers"
version = release = re.search(r'^version = "(.*)"', (DOCS.parent / "pyproject.toml").read_text(), re.MULTILINE)[1]

extensions = ["myst_parser"]
exclude_patterns = ["_build"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"distrokit {version}"
html_show_copyright = html_copy_source = False

#: Pages that stand outside this folder, and what the site calls them.
ELSEWHERE = {
    DOCS.parent / "README.md": "index.md",
    DOCS.parent / "CONTRIBUTING.md": "contributing.md",
    DOCS.parent / "CHANGELOG.md": "changes.md",
}
LINK = re.compile(r"(?<=\]\()(?![a-z]+:)[^)#\s]+")


def setup(app: "Sphinx") -> None:
    """Called by Sphinx."""
    # Mermaid is drawn by the code host. Its script would have to come from somebody else's server; its text reads well.
    app.add_lexer("mermaid", TextLexer)
    app.connect("source-read", _read)


def _read(app: "Sphinx", name: str, source: list[str]) -> None:
    page = DOCS / f"{name}.md"
    source[0] = LINK.sub(lambda link: _target(page, link[0]), source[0])
    if name == "index":
        # Pages that index.md does not name, so that a new one is in the contents as soon as it is there.
        others = sorted(other for other in app.env.found_docs if not re.search(rf"^{other}$", source[0], re.MULTILINE))
        source[0] = source[0].replace("(every other page)", "\n".join(o for o in others if o != "index"))


def _target(page: Path, link: str) -> str:
    path = (page.parent / link).resolve()
    if path in ELSEWHERE:
        return ELSEWHERE[path] if page.parent == DOCS else f"/{ELSEWHERE[path]}"
    # A code host shows the README of a folder.
    return f"{link.rstrip('/')}/README.md" if (path / "README.md").is_file() else link
