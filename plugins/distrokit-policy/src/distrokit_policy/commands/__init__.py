"""``distrokit policy``: one module a command; ``running`` selects it."""
