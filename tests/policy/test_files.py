"""Policies in files: what is read, where its parts are, and what is refused."""

from __future__ import annotations

import itertools
import json
import os
import time

import pytest

from distrokit_policy.documents import Document, DocumentError, read_document
from distrokit_policy.providers.files import FileProvider, PolicyFileError

POLICY = "{id: %s, name: n, metric: {match: [{metric_field: name, exists: true}], keep: false}}"


def ids(data):
    return [policy["id"] for policy in data["policies"]]


def write(path, text):
    """A file that has been complete for a while."""
    path.write_text(text)
    os.utime(path, ns=(next(_times), next(_times)))


_times = itertools.count(1_700_000_000_000_000_000, 1_000_000_000)


def test_a_file_is_read_again_when_it_has_changed(tmp_path):
    path = tmp_path / "policies.yaml"
    path.write_text(f"policies: [{POLICY % 'a'}]")
    provider = FileProvider(str(path))

    assert ids(provider.load()) == ["a"]
    assert provider.poll() is None
    write(path, f"policies: [{POLICY % 'a'}, {POLICY % 'b'}]")
    assert ids(provider.poll()) == ["a", "b"]
    assert provider.poll() is None


def test_a_file_that_is_being_written_is_read_a_moment_later(tmp_path, monkeypatch):
    path = tmp_path / "policies.yaml"
    write(path, f"policies: [{POLICY % 'a'}]")
    provider = FileProvider(str(path))
    provider.load()

    path.write_text("policies: []")
    assert provider.poll() is None
    time.sleep(0.25)
    assert provider.poll() == {"policies": []}
    # One that changes while it is read is read again.
    read = provider._read
    monkeypatch.setattr(provider, "_read", lambda files: [read(files), write(path, POLICY % "b")][0])
    write(path, POLICY % "half")
    assert provider.poll() is None
    monkeypatch.undo()
    assert ids(provider.poll()) == ["b"]


def test_a_file_that_others_may_not_read_is_read_when_they_may(tmp_path):
    path = tmp_path / "policies.yaml"
    write(path, f"policies: [{POLICY % 'a'}]")
    provider = FileProvider(str(path))
    provider.load()
    before = path.stat()

    path.chmod(0o600)

    assert (path.stat().st_mtime_ns, path.stat().st_size) == (before.st_mtime_ns, before.st_size)
    assert ids(provider.poll()) == ["a"]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.yaml", POLICY % "one", ["one"]),
        ("a.yaml", f"- {POLICY % 'one'}\n- {POLICY % 'two'}", ["one", "two"]),
        ("a.yaml", f"{POLICY % 'one'}\n---\n{POLICY % 'two'}\n---\n", ["one", "two"]),
        ("a.yaml", f"policies: [{POLICY % 'one'}]\n---\npolicies: [{POLICY % 'two'}]", ["one", "two"]),
        ("a.yaml", "policies:", []),
        ("a.yaml", "\ufeffpolicies: []", []),
        ("a.json", '{"policies": [{"id": "one"}]}', ["one"]),
        # A tab may stand in JSON, and not in YAML.
        ("a.yaml", '{\t"policies": [{"id": "one"}]}', ["one"]),
        ("a.yaml", "{policies: [{id: &name one}, {id: *name}]}", ["one", "one"]),
    ],
)
def test_the_forms_of_a_file(tmp_path, name, text, expected):
    (tmp_path / name).write_text(text)

    assert ids(FileProvider(str(tmp_path / name)).poll()) == expected


def test_a_folder_has_the_files_of_its_own_in_the_order_of_their_names(tmp_path):
    (tmp_path / "b.yaml").write_text(POLICY % "two")
    (tmp_path / "a.json").write_text('{"policies": [{"id": "one"}], "more": 5}')
    (tmp_path / ".hidden.yaml").write_text(POLICY % "hidden")
    (tmp_path / "notes.txt").write_text("no policy")
    provider = FileProvider(str(tmp_path))

    assert provider.poll() == {
        "more": 5,
        "policies": [{"id": "one"}, read_document((POLICY % "two").encode()).data],
    }
    assert provider.locate(("policies", 0, "id")) == f"{tmp_path}/a.json:1:22"
    assert provider.locate(("policies", 1, "metric", "keep")) == f"{tmp_path}/b.yaml:1:80"
    (tmp_path / "b.yaml").unlink()
    os.utime(tmp_path / "a.json", ns=(5, 5))
    assert ids(provider.poll()) == ["one"]


def test_a_mounted_folder_is_replaced_at_once(tmp_path):
    """Kubernetes replaces a link."""
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "p.yaml").write_text(POLICY % name)
    (tmp_path / "data").symlink_to("first")
    (tmp_path / "p.yaml").symlink_to("data/p.yaml")
    provider = FileProvider(str(tmp_path / "p.yaml"))
    assert ids(provider.poll()) == ["first"]

    (tmp_path / "new").symlink_to("second")
    (tmp_path / "new").rename(tmp_path / "data")
    os.utime(tmp_path / "p.yaml", ns=(5, 5))

    assert ids(provider.poll()) == ["second"]


@pytest.mark.parametrize(
    ("text", "path", "place"),
    [
        ("policies:\n  - id: a\n    log:\n      keep: x\n", ("policies", 0, "log", "keep"), "4:13"),
        ("policies:\n  - id: a\n", ("policies", 0, "log", "keep"), "2:5"),
        ("- id: a\n- id: b\n", ("policies", 1, "id"), "2:7"),
        ("id: a\n---\nid: b\n", ("policies", 1, "id"), "3:5"),
        ("policies: [{id: a}]\n---\npolicies:\n- id: b\n", ("policies", 1, "id"), "4:7"),
        ('{"policies": [\n {"id": "a"}]}', ("policies", 0, "id"), "2:9"),
    ],
)
def test_a_part_is_found_again(tmp_path, text, path, place):
    file = tmp_path / "p.yaml"
    file.write_text(text)
    provider = FileProvider(str(file))
    provider.poll()

    assert provider.locate(path) == f"{file}:{place}"


def test_json_that_is_no_yaml_has_no_place():
    assert Document({}, '{"a": "\\/"\x7f}').locate(("a",)) == ""


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("p.json", b"{", "p.json:1:2: Expecting property name"),
        ("p.yaml", b"policies:\n\t- id: a", "p.yaml:2:1: found character"),
        ("p.yaml", b"a: 1\na: 2", "p.yaml:2:1: the key 'a' is there twice"),
        ("p.yaml", b"? [1]\n: 2", "p.yaml:1:3: a key must be a text"),
        ("p.yaml", b"policies: \xff", "p.yaml:1:1: it is not UTF-8"),
        ("p.yaml", b"a: !!python/object:os.system x", "p.yaml:1:4: could not determine a constructor"),
        ("p.yaml", b"[" * 5000, "p.yaml: "),
        ("p.json", b"[" * 5000 + b"]" * 5000, "p.json: it is nested too deeply"),
        ("p.json", b"[" * 70 + b"]" * 70, "p.json: it is nested too deeply"),
        ("p.yaml", b"- " * 70 + b"a", "it is nested too deeply"),
        ("p.json", b"[" + b"1," * 2_000_000 + b"1]", "p.json: it has more than 2,000,000 values"),
        ("p.json", b'{"policies": ' + b"1" * 5000 + b"}", "p.json: "),
        ("p.yaml", b"hello", "p.yaml: it has no policies"),
        ("p.yaml", b"", "p.yaml: it is empty; write `policies: []`"),
        ("p.yaml", b"# only a comment", "p.yaml: it is empty"),
        ("p.yaml", b"rules: []", "p.yaml: it has no policies"),
    ],
)
def test_a_file_that_cannot_be_read_is_said_once(tmp_path, name, data, message):
    path = tmp_path / name
    path.write_bytes(data)
    provider = FileProvider(str(path))

    with pytest.raises(PolicyFileError) as caught:
        provider.poll()
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path))
    assert provider.poll() is None
    path.write_text(f"policies: [{POLICY % 'a'}]" if name.endswith("yaml") else '{"policies": [{"id": "a"}]}')
    os.utime(path, ns=(1, 1))
    assert ids(provider.poll()) == ["a"]


def test_a_value_that_repeats_itself_is_bounded(tmp_path):
    """Nine anchors, each nine times the one before, are 387 million values."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    with pytest.raises(DocumentError, match="more than 2,000,000 values"):
        read_document("\n".join(lines).encode())


def test_sizes_are_bounded(monkeypatch):
    monkeypatch.setattr("distrokit_policy.documents.MOST_BYTES", 100)
    with pytest.raises(DocumentError, match="it has 101 bytes, more than 100"):
        read_document(b"x" * 101)
    monkeypatch.setattr("distrokit_policy.documents.MOST_YAML_BYTES", 50)
    with pytest.raises(DocumentError, match="YAML of more than 50 characters; write it as JSON"):
        read_document(b"x" * 60)
    assert read_document(json.dumps(["x" * 60]).encode()).data == ["x" * 60]


def test_a_missing_file_is_said_until_it_comes(tmp_path):
    provider = FileProvider(str(tmp_path / "later.yaml"))
    with pytest.raises(PolicyFileError, match="No such file"):
        provider.load()
    assert provider.poll() is None
    write(tmp_path / "later.yaml", "policies: []")
    assert provider.poll() == {"policies": []}


def test_a_folder_with_too_many_files_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("distrokit_policy.providers.files.MOST_FILES", 2)
    for number in range(3):
        (tmp_path / f"{number}.yaml").write_text(POLICY % number)
    with pytest.raises(PolicyFileError, match="more than 2 files"):
        FileProvider(str(tmp_path)).poll()


def test_a_rollout_is_for_a_single_file(tmp_path):
    (tmp_path / "a.json").write_text('{"policies": [], "rollout": {"percentage": 5}}')
    assert FileProvider(str(tmp_path)).poll() == {"policies": [], "rollout": {"percentage": 5}}
    (tmp_path / "b.yaml").write_text("policies: []")
    with pytest.raises(PolicyFileError, match=r"a\.json: rollout is for a set in a single file"):
        FileProvider(str(tmp_path)).poll()


def test_a_link_that_leads_nowhere_is_named(tmp_path):
    (tmp_path / "a.yaml").symlink_to("nowhere")
    with pytest.raises(PolicyFileError, match=r"a\.yaml: No such file"):
        FileProvider(str(tmp_path)).poll()


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "policies.yaml")
    for path in (tmp_path / "policies.yaml", tmp_path):
        with pytest.raises(PolicyFileError, match=r"policies\.yaml is no regular file"):
            FileProvider(str(path)).load()
