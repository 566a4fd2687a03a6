"""``distrokit doctor``: ``checks`` runs all checks, in groups, and makes the report.

``packages``, ``settings`` and ``process`` have a group each; ``building`` builds the parts of the plan, and
``export_check`` sends one of the ``sample_items`` through each exporter. A plugin's own checks come from its hook
``distrokit_checks``.
"""
