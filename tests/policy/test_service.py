"""What a process does with the sets that its providers give it: followed, refused, on trial, taken back."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

import pytest

from distrokit_policy.runtime.service import PolicyService
from distrokit_policy.runtime.sources import Source
from distrokit_policy.runtime.trial import Rollout


class Provider:
    """Gives what a test puts into it."""

    interval_seconds = 0.1

    def __init__(self, *sets):
        self.sets, self.statuses, self.calls = [*sets], [], []

    def poll(self):
        if not self.sets:
            return None
        given = self.sets.pop(0)
        if isinstance(given, Exception):
            raise given
        return given

    def report(self, status):
        self.statuses.append((status["state"], tuple(status["errors"])))

    def started(self, wake):
        self.wake = wake

    def forked(self):
        self.calls.append("forked")

    def shutdown(self):
        self.calls.append("shutdown")


def policy(id_, keep="none"):
    return {"id": id_, "name": "n", "log": {"match": [{"log_field": "body", "contains": id_}], "keep": keep}}


def resource(**attributes):
    return SimpleNamespace(attributes={"service.instance.id": "i-1", **attributes}, schema_url="")


@pytest.fixture
def make():
    services = []

    def service(*providers, losses=lambda: 0, with_resource=None):
        made = PolicyService([Source(f"s{n}", provider) for n, provider in enumerate(providers)])
        said = []
        made.use(with_resource or resource())
        made.connect(said.append, losses)
        services.append(made)
        return made, said

    yield service
    for each in services:
        each.stop()


def ids(service):
    return sorted(each.id for each in service._set.policies)


def step(service, times=1):
    for _ in range(times):
        for number, source in enumerate(service.sources):
            source.due = 0.0
            service._step(number)


def test_the_thread_starts_with_the_first_item_and_follows(make):
    provider = Provider()
    service, _ = make(provider)
    before = threading.active_count()
    assert service._threads == []

    service.current()
    provider.sets.append({"policies": [policy("a")]})
    provider.wake()
    deadline = time.monotonic() + 20
    while not ids(service) and time.monotonic() < deadline:
        time.sleep(0.01)

    assert ids(service) == ["a"]
    assert threading.active_count() == before + 1
    service.stop()
    (thread,) = service._threads
    thread.join(10)
    assert not thread.is_alive()
    assert provider.calls == ["shutdown"]


def test_a_fork_begins_again_with_the_policies_of_the_parent(make):
    provider = Provider({"policies": [policy("a")]})
    service, _ = make(provider)
    step(service)
    compiled = service._set.logs
    service.statistics.of("a").hits = 5

    service.forked()

    assert provider.calls == ["forked"]
    # Nothing is read or compiled anew.
    assert service._set.logs is compiled
    assert (service.statistics.of("a").hits, service._asleep) == (0, True)


def test_a_set_that_is_none_leaves_the_last_one(make):
    provider = Provider({"policies": [policy("a")]}, {"rules": []}, ValueError("broken"), {"policies": [policy("b")]})
    service, said = make(provider)

    step(service)
    step(service)
    step(service)
    assert ids(service) == ["a"]
    step(service)
    assert ids(service) == ["b"]
    assert [(problem.code, problem.cause, problem.outcome) for problem in said] == [
        ("policies-unread", "there is no list `policies`, but rules", "its last policies stay (1)"),
        ("policies-unread", "ValueError: broken", "its last policies stay (1)"),
    ]
    assert [state for state, _ in provider.statuses] == ["applied", "refused", "refused", "applied"]


def test_the_first_provider_counts_and_the_other_policy_is_named(make):
    first, second = Provider({"policies": [policy("a", "all")]}), Provider({"policies": [policy("a"), policy("b")]})
    service, said = make(first, second)

    step(service)

    assert [(each.id, each.source, str(each.keep)) for each in service._set.policies] == [
        ("a", "s0", "all"),
        ("b", "s1", "none"),
    ]
    assert [problem.subject for problem in said] == ["policy a of s1"]


def test_many_wrong_policies_are_some_lines(make):
    service, said = make(Provider({"policies": [{"id": f"p{n}", "name": "n"} for n in range(100)]}))

    step(service)

    assert len(said) == 21
    assert said[-1].cause == "80 more are not valid"


def test_a_provider_that_changes_its_mind_all_the_time_is_said_for_a_while(make):
    service, said = make(Provider(*[ValueError(f"reason {n}") for n in range(200)]))

    for _ in range(200):
        step(service)

    assert len(said) == 20
    assert said[-1].cause.startswith("there were 20 reports of it within an hour, the last one: ValueError: reason 19")


def test_conditions_on_the_resource_are_decided_once(make):
    mine = policy("mine")
    mine["log"]["match"].append({"resource_attribute": "service.name", "equals": "cart"})
    other = policy("other")
    other["log"]["match"].append({"resource_attribute": "service.name", "equals": "shop"})
    service, _ = make(Provider({"policies": [mine, other]}), with_resource=resource(**{"service.name": "cart"}))
    step(service)

    assert [each.policy.id for each in service._set.logs.compiled] == ["mine"]
    assert ids(service) == ["mine", "other"]
    compiled = service._set.logs
    # Another instance of the same service.
    service.use(resource(**{"service.name": "cart", "service.instance.id": "i-2"}))
    assert service._set.logs is compiled
    service.use(resource(**{"service.name": "shop"}))
    assert [each.policy.id for each in service._set.logs.compiled] == ["other"]


# ------------------------------------------------------------------------------------- trials


def on_trial(*policies, **rollout):
    return {"policies": [*policies], "rollout": rollout}


def test_a_set_that_makes_errors_is_taken_back(make):
    losses = [5]
    provider = Provider({"policies": [policy("old")]})
    service, said = make(provider, losses=lambda: losses[0])
    step(service)
    provider.sets.append(on_trial(policy("new"), trial_seconds=60, max_errors=10))
    step(service)
    assert ids(service) == ["new"]

    losses[0] = 15
    step(service)
    assert ids(service) == ["new"]
    service.failed("logs", ValueError("x"))
    step(service)

    assert ids(service) == ["old"]
    assert [state for state, _ in provider.statuses] == ["applied", "trial", "rolled back"]
    assert [(problem.code, problem.outcome) for problem in said[-1:]] == [
        ("policies-rolled-back", "the set before is used again (1 policy)")
    ]
    # The next set gets a trial of its own.
    provider.sets.append(on_trial(policy("newer"), trial_seconds=60, max_errors=10))
    step(service)
    assert ids(service) == ["newer"]


def test_a_set_that_makes_no_errors_passes(make, monkeypatch):
    now = [100.0]
    monkeypatch.setattr("distrokit_policy.runtime.trial.monotonic", lambda: now[0])
    losses = [0]
    provider = Provider(on_trial(policy("new"), trial_seconds=60, max_errors=0))
    service, _ = make(provider, losses=lambda: losses[0])
    step(service)
    now[0] += 59
    step(service)
    now[0] += 2
    step(service)
    losses[0] = 1000
    step(service)

    assert ids(service) == ["new"]
    assert [state for state, _ in provider.statuses] == ["trial", "applied"]


def test_a_set_is_for_some_instances_first(make):
    results = []
    for number in range(200):
        provider = Provider({"policies": [policy("old")]}, on_trial(policy("new"), percentage=25))
        service, _ = make(provider, with_resource=resource(**{"service.instance.id": f"i-{number}"}))
        step(service, 1)
        step(service, 1)
        results.append((ids(service), service.sources[0].state))

    assert {(tuple(found), state) for found, state in results} == {(("new",), "applied"), (("old",), "held back")}
    assert 25 <= results.count((["new"], "applied")) <= 75


def test_an_instance_of_a_percentage_is_one_of_any_higher_one():
    for number in range(200):
        first = [percentage for percentage in range(101) if Rollout(percentage).is_for(f"i-{number}")]
        assert first == [*range(first[0], 101)]
    assert Rollout(100).is_for("")
    assert not any(Rollout(0).is_for(f"i-{n}") for n in range(200))


@pytest.mark.parametrize(
    ("rollout", "cause"),
    [
        ("half", "rollout: rollout must be a mapping, not a text"),
        ({"percent": 5}, "rollout: unknown field 'percent'. Did you mean 'percentage'?"),
        ({"percentage": 101}, "rollout: percentage must be a number from 0 to 100, not 101"),
        ({"trial_seconds": -1}, "rollout: trial_seconds must be a number from 0 to 604800, not -1"),
        ({"max_errors": True}, "rollout: max_errors must be a number from 0 to 2.14748e+09, not True"),
    ],
)
def test_a_set_whose_trial_is_not_known_is_not_applied(make, rollout, cause):
    service, said = make(Provider({"policies": [policy("a")], "rollout": rollout}))

    step(service)

    assert (ids(service), [problem.cause for problem in said]) == ([], [cause])


def test_a_slow_provider_delays_no_other(make):
    class Slow(Provider):
        def poll(self):
            release.wait(30)

    release = threading.Event()
    service, _ = make(Slow(), Provider({"policies": [policy("a")]}))

    service.current()
    deadline = time.monotonic() + 20
    while not ids(service) and time.monotonic() < deadline:
        time.sleep(0.01)
    release.set()

    assert ids(service) == ["a"]
