"""``distrokit new``: a package of one's own, complete, with a test that passes."""
