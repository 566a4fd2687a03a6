"""``distrokit new``: creates a complete package for a plugin or a distro, with tests that pass."""
