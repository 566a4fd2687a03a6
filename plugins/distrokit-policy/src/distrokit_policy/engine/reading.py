"""Makes policies of plain data, and reports what is wrong in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from distrokit_policy.engine.keep_reading import ALL, read_log_keep, read_metric_keep, read_trace_keep
from distrokit_policy.engine.matcher_reading import SELECTORS, read_matcher, read_selector
from distrokit_policy.engine.names import TARGETS
from distrokit_policy.engine.parts import Parts, type_name
from distrokit_policy.engine.policies import InvalidError, Keep, Matcher, Policy, PolicyError, Transform
from distrokit_policy.engine.transform_reading import read_transforms

#: The most policies of one set, matchers or operations of one policy, and characters of an id.
MOST_POLICIES, MOST_PARTS, LONGEST_ID = 50_000, 256, 512
_POLICY = (
    "id",
    "name",
    "description",
    "enabled",
    "created_at_unix_nano",
    "modified_at_unix_nano",
    "labels",
    "extensions",
    *TARGETS,
)
_KEEPS: Mapping[str, Callable[[Any], Keep]] = {
    "log": read_log_keep,
    "metric": read_metric_keep,
    "trace": read_trace_keep,
}


@dataclass
class ReadPolicies:
    """The policies of one source.

    Attributes:
        policies: the valid ones that are enabled, in the order of the source.
        errors: of those that are left out.
        disabled: ids of those that are valid and not enabled.
    """

    policies: list[Policy] = field(default_factory=list)
    errors: list[PolicyError] = field(default_factory=list)
    disabled: list[str] = field(default_factory=list)


class NotASetError(ValueError):
    """The data are no set of policies at all."""


def read_policies(data: Any, source: str = "") -> ReadPolicies:
    """Read ``{"policies": [...]}``, a list of policies, or one policy.

    Args:
        data: plain data: mappings, lists, texts, numbers, booleans.
        source: the name of what they come from.

    Raises:
        NotASetError: they are something else.
    """
    items, path = _items(data)
    read = ReadPolicies()
    known: set[str] = set()
    for at, item in enumerate(items):
        _read_one(item, (*path, at) if path or isinstance(data, list) else (), source, read, known)
    return read


def _items(data: Any) -> tuple[list[Any], tuple[str, ...]]:
    items: Any = data
    path: tuple[str, ...] = ()
    if isinstance(data, Mapping):
        names = [str(name) for name in data]
        if "policies" in names:
            items, path = data["policies"], ("policies",)
            items = [] if items is None else items
        elif "id" in names:
            return [data], ()
        else:
            raise NotASetError(f"there is no list `policies`{_found(names)}")
    if not isinstance(items, list):
        raise NotASetError(f"the policies must be a list, not {type_name(items)}")
    if len(items) > MOST_POLICIES:
        raise NotASetError(f"there are {len(items):,} policies, more than {MOST_POLICIES:,}")
    return items, path


def _found(names: list[str]) -> str:
    return f", but {', '.join(name[:40] for name in names[:3])}" if names else ""


def _read_one(data: Any, path: tuple[str | int, ...], source: str, read: ReadPolicies, known: set[str]) -> None:
    name = str(data["id"])[:LONGEST_ID] if isinstance(data, Mapping) and data.get("id") else ""

    def wrong(text: str, *inner: str | int) -> None:
        read.errors.append(PolicyError(name, text, (*path, *inner)))

    try:
        parts = Parts(data, "a policy")
        parts.only(_POLICY)
        for required in ("id", "name"):
            if not parts.text(required):
                raise InvalidError(f"{required} is missing", *([parts.written(required)] if required in parts else []))
        if len(parts.text("id")) > LONGEST_ID:
            raise InvalidError(f"id is longer than {LONGEST_ID} characters", "id")
        target = parts.one_of(TARGETS, "it has no target: log, metric or trace")
        enabled = parts.boolean("enabled") if "enabled" in parts else True
        if name in known:
            raise InvalidError("another policy has this id; the first one is kept", "id")
    except InvalidError as error:
        wrong(error.text, *error.path)
        return
    known.add(name)
    if not enabled:
        read.disabled.append(name)
        return
    before = len(read.errors)
    made = _read_target(parts.get(target), target, lambda text, *inner: wrong(text, parts.written(target), *inner))
    if len(read.errors) > before:
        return
    matchers, keep, sample_key, transforms = made
    read.policies.append(
        Policy(
            id=name,
            name=parts.text("name"),
            signal=TARGETS[target],
            matchers=matchers,
            keep=keep,
            sample_key=sample_key,
            transforms=transforms,
            description=str(parts.get("description", "")),
            source=source,
        )
    )


def _read_target(data: Any, target: str, wrong: Callable[..., None]) -> Any:
    """Return matchers, keep, sample key and transforms; report all that is wrong."""
    try:
        parts = Parts(data, target)
        log_only = ("transform", "sample_key") if target == "log" else ()
        parts.only(("match", "keep", *log_only))
    except InvalidError as error:
        wrong(f"{target}: {error.text}", *error.path)
        return None
    matchers = tuple(_read_matchers(parts, target, wrong))
    keep, sample_key = ALL, None
    try:
        keep = _KEEPS[target](parts.get("keep"))
    except InvalidError as error:
        wrong(f"{target}: keep: {error.text}", *_inside(parts, "keep"), *error.path)
    try:
        if "sample_key" in parts:
            key = Parts(parts.get("sample_key"), "sample_key")
            key.only(SELECTORS["log"])
            sample_key = read_selector(key, "log")
    except InvalidError as error:
        wrong(f"{target}: sample_key: {error.text}", *_inside(parts, "sample_key"), *error.path)
    transforms: list[Transform] = []
    for each in read_transforms(parts.get("transform")):
        if isinstance(each, InvalidError):
            wrong(f"{target}: transform: {each.text}", *_inside(parts, "transform"), *each.path)
        else:
            transforms.append(each)
    if len(transforms) > MOST_PARTS:
        wrong(f"{target}: transform: it has more than {MOST_PARTS} operations", *_inside(parts, "transform"))
    return matchers, keep, sample_key, tuple(transforms)


def _inside(parts: Parts, name: str) -> tuple[str, ...]:
    return (parts.written(name),) if name in parts else ()


def _read_matchers(parts: Parts, target: str, wrong: Callable[..., None]) -> Iterator[Matcher]:
    items, written = parts.get("match", []), parts.written("match")
    if not isinstance(items, list) or not items:
        wrong(f"{target}: match: at least one matcher is needed", *_inside(parts, "match"))
        return
    if len(items) > MOST_PARTS:
        wrong(f"{target}: match: there are more than {MOST_PARTS} matchers", written)
        return
    for at, item in enumerate(items):
        try:
            yield read_matcher(item, target)
        except InvalidError as error:
            wrong(f"{target}: match[{at}]: {error.text}", written, at, *error.path)
