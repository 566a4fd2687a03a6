"""The guides do what they say: every file in them is written, every command typed, and what it prints compared."""

from __future__ import annotations

import re

import pytest
from interpreters import ROOT
from pages import Page, as_it_should

INDEX = (ROOT / "docs/index.md").read_text()
GUIDES = re.findall(r"^[\w-]+$", INDEX.partition(":caption: Guides\n")[2].partition("```")[0], re.MULTILINE)


@pytest.mark.parametrize("guide", GUIDES)
def test_a_guide_does_what_it_says(guide, tmp_path, receiver):
    page = Page(ROOT / f"docs/{guide}.md", tmp_path / "page", receiver.endpoint("grpc"))

    wrong = [
        f"$ {command}\n{printed}--- but the page says\n{expected}"
        for command, expected, printed in page.run()
        if not as_it_should(expected, printed)
    ]

    assert not wrong, "\n".join(wrong)
