"""The guides do what they say: every file in them is written, every command typed, and what it prints compared."""

from __future__ import annotations

import re

import pytest
from interpreters import ROOT
from pages import Page, as_it_should

INDEX = (ROOT / "docs/index.md").read_text()
GUIDES = re.findall(r"^[\w-]+$", INDEX.partition(":caption: Guides\n")[2].partition("```")[0], re.MULTILINE)

#: Those that install or build something.
INSTALLING = ("attach", "guard", "policies", "write-a-plugin", "build-a-distro", "move-from-opentelemetry-distro")


@pytest.mark.parametrize(
    "guide",
    [pytest.param(guide, marks=pytest.mark.wheels) if guide in INSTALLING else guide for guide in GUIDES],
)
def test_a_guide_does_what_it_says(guide, tmp_path, receiver):
    page = Page(ROOT / f"docs/{guide}.md", tmp_path / "page", receiver.endpoint("grpc"))

    typed = list(page.run())

    wrong = [
        f"$ {command}\n{printed}--- but the page says\n{expected}"
        for command, expected, printed in typed
        if not as_it_should(expected, printed)
    ]
    assert typed
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("expected", "printed", "so"),
    [
        ("a\n", "a\n", True),
        ("a\n", "a", True),
        ("a\n", "a \n", True),
        ("", "", True),
        ("", "a\n", False),
        ("a\n", "", False),
        ("a… c\n", "ab c\n", True),
        ("a… c\n", "a\nb c\n", False),
        ("a\n…\nc\n", "a\nc\n", True),
        ("a\n…\nc\n", "a\nb\nb\nc\n", True),
        ("…\nc\n", "a\nb\n", False),
        ("a.c\n", "abc\n", False),
        ("…\n", "a\n(exit code 1)\n", False),
    ],
)
def test_what_counts_as_the_same(expected, printed, so):
    assert as_it_should(expected, printed) is so
