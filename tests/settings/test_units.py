"""A value with a unit is not usable, and the message does the conversion."""

from __future__ import annotations

import pytest
from plans import planned, problems

from distrokit.settings.layers import Settings
from distrokit.settings.reader import Reader


@pytest.mark.parametrize(
    ("name", "text", "hint"),
    [
        ("X_TIMEOUT", "5s", "The unit is milliseconds: write 5000."),
        ("X_TIMEOUT", "1.5 m", "The unit is milliseconds: write 90000."),
        ("X_DELAY", "250ms", "The unit is milliseconds: write 250."),
        ("X_MAX_AGE", "2d", "The unit is milliseconds: write 172800000."),
        ("X_MAX_SIZE", "1gb", "The unit is bytes: write 1073741824."),
        ("X_MAX_SIZE", "512 KiB", "The unit is bytes: write 524288."),
        ("X_MAX_SIZE", "7b", "The unit is bytes: write 7."),
        ("X_MAX_SIZE", "5s", ""),
        ("X_TIMEOUT", "5mb", ""),
        ("X_TIMEOUT", "5 parsecs", ""),
        ("X_COUNT", "5s", ""),
    ],
)
def test_the_message_says_what_to_write(name, text, hint):
    reader = Reader(Settings.from_environ({name: text}), "acme")

    assert reader.integer(name, 1).value == 1
    (problem,) = reader.problems
    assert problem.remedy == f"{hint} Change or unset {name}.".lstrip()


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("DISTROKIT_STRIKT", "Did you mean 'DISTROKIT_STRICT'?"),
        ("DISTROKIT_EXIT_TIME_OUT", "Did you mean 'DISTROKIT_EXIT_TIMEOUT'?"),
        ("DISTROKIT_SERVICE_NAME", "Did you mean 'OTEL_SERVICE_NAME'?"),
        ("DISTROKIT_TRACES_EXPORTER", "Did you mean 'OTEL_TRACES_EXPORTER'?"),
        # Alike by the common prefix only.
        ("DISTROKIT_FOO", "`docs/settings.md` lists all settings."),
        ("DISTROKIT_WORKERS", "`docs/settings.md` lists all settings."),
    ],
)
def test_an_unknown_setting_of_ours_is_compared_without_the_common_prefix(name, remedy):
    (line,) = problems(planned({name: "1"}))

    assert line.endswith(remedy)


@pytest.mark.parametrize(
    ("name", "meant"), [("OTEL_EXPORTER_LOG", "OTEL_LOGS_EXPORTER"), ("OTEL_EXPORT_TRACES", "OTEL_TRACES_EXPORTER")]
)
def test_words_in_another_order_may_be_slightly_misspelt(name, meant):
    (line,) = problems(planned({name: "console"}))

    assert line.endswith(f"Did you mean '{meant}'?")
