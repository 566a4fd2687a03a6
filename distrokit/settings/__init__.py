"""Settings: their sources, the order of the sources, and the reader.

For plugin authors: :class:`Reader` (``reader``), :class:`Settings` (``layers``), :class:`Value` and :class:`Source`
(``values``); import them from ``distrokit``.

For work on distrokit: ``layers`` is the stack of sources; ``pyproject`` reads one of them; ``known_settings`` is the
table of known settings, of which ``docs/settings.md`` is made; ``settings_in_files`` are distrokit's own in files;
``sdk_settings`` are those that the SDK reads by itself; ``environ`` is the only writer of ``os.environ``;
``secret_files`` reads secrets from files; ``secret_values`` masks secrets inside lists and mappings.
"""
