"""``distrokit doctor``: ``report`` runs all checks, in groups.

``packages``, ``settings`` and ``process`` have a group each; ``building`` builds the parts of the plan, and
``export_check`` sends an item through each exporter.
"""
