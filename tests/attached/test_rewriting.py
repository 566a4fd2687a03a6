"""Imports become imports of private copies, and mean the same."""

from __future__ import annotations

import ast
import sys
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distrokit_build.rewriting import CannotRewriteError, rewrite

NAMES = {"alpha", "beta"}


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a source file, with modules alpha and beta under their private names only; return its names."""
    package = tmp_path / "_distrokit_private"
    for name in NAMES:
        (package / name / "sub").mkdir(parents=True)
        (package / name / "__init__.py").write_text(f"value = {name!r}\n")
        (package / name / "sub" / "__init__.py").write_text("")
        (package / name / "sub" / "deep.py").write_text(f"value = '{name} deep'\n")
    (package / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in sys.modules if name.startswith("_distrokit_private")]:
        monkeypatch.delitem(sys.modules, name)

    def run(source):
        namespace: dict[str, object] = {}
        exec(rewrite(dedent(source).encode(), NAMES), namespace)
        return namespace

    yield run
    for name in [name for name in sys.modules if name.startswith("_distrokit_private")]:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("source", "expression", "result"),
    [
        ("import alpha", "alpha.value", "alpha"),
        ("import alpha as a", "a.value", "alpha"),
        ("import alpha.sub.deep", "alpha.sub.deep.value", "alpha deep"),
        ("import alpha.sub.deep as d", "d.value", "alpha deep"),
        (
            "import os, alpha, beta as b, sys as s",
            "(os.sep, alpha.value, b.value, s.byteorder)[1:3]",
            ("alpha", "beta"),
        ),
        ("from alpha import value", "value", "alpha"),
        ("from alpha.sub import (\n    deep,  # why\n)", "deep.value", "alpha deep"),
        ("from alpha.sub.deep import value as v; import beta", "(v, beta.value)", ("alpha deep", "beta")),
        ("if True: import alpha", "alpha.value", "alpha"),
        ("try:\n    import alpha\nexcept ImportError:\n    alpha = None", "alpha.value", "alpha"),
        ("def f():\n    from beta import value\n    return value", "f()", "beta"),
        ("import importlib\nm = importlib.import_module('alpha.sub')", "m.__name__", "_distrokit_private.alpha.sub"),
        ("from importlib.util import find_spec\nm = find_spec('beta')", "m.name", "_distrokit_private.beta"),
        ("import alpha, sys\nm = sys.modules['alpha']", "m.value", "alpha"),
        ("import alpha, sys\nm = sys.modules.get('alpha')", "m.value", "alpha"),
        ("import alpha, sys\nm = 'alpha' in sys.modules", "m", True),
        ("é = 'alpha'; import alpha", "(é, alpha.value)", ("alpha", "alpha")),
        ("text = 'import alpha'  # import alpha", "text", "import alpha"),
    ],
)
def test_every_form_means_the_same(run, source, expression, result):
    assert eval(expression, run(source)) == result


@pytest.mark.parametrize(
    "source", ["from . import alpha", "from .alpha import x", "from os import path", "import os.path"]
)
def test_other_imports_stay_as_they_are(source):
    assert rewrite(source.encode(), {*NAMES, "path"}) == source.encode()


def test_lines_stay_where_they_are():
    source = b"# alpha\nimport alpha\n\n\ndef f():\r\n    import alpha.sub, os\r\n    raise ValueError\r\n"

    assert rewrite(source, NAMES).count(b"\n") == source.count(b"\n")


def test_what_is_no_source_is_refused():
    with pytest.raises(CannotRewriteError):
        rewrite(b"import alpha(\n", NAMES)


module = st.lists(st.sampled_from(["alpha", "beta", "gamma", "sub"]), min_size=1, max_size=3).map(".".join)
alias = st.one_of(st.just(""), st.sampled_from([" as a", " as alpha"]))
one = st.tuples(module, alias).map("".join)
statement = st.one_of(
    st.lists(one, min_size=1, max_size=3).map(lambda names: "import " + ", ".join(names)),
    st.tuples(module, st.lists(alias.map("name{}".format), min_size=1, max_size=2)).map(
        lambda parts: f"from {parts[0]} import {', '.join(parts[1])}"
    ),
)


@given(st.lists(st.tuples(st.sampled_from(["", "try:\n    ", "def f(): "]), statement), max_size=4))
def test_the_result_imports_no_private_module_by_its_own_name(parts):
    lines = [
        head + text + ("\nexcept ImportError:\n    pass" if head.startswith("try") else "") for head, text in parts
    ]
    source = "\n".join(lines) + "\n"

    tree = ast.parse(rewrite(source.encode(), NAMES))

    names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    names += [str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert not [name for name in names if name.partition(".")[0] in NAMES]
    bound = [n.asname or n.name.partition(".")[0] for n in _aliases(ast.parse(source))]
    assert {*bound} - {"_distrokit_private"} == {
        n.asname or n.name.partition(".")[0] for n in _aliases(tree) if n.asname or "_distrokit_private" not in n.name
    }


def _aliases(tree):
    return [alias for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom)) for alias in node.names]
