"""``distrokit doctor``: ``report`` runs all checks, in groups: ``packages``, ``settings``, ``process``, ``way_out``."""
