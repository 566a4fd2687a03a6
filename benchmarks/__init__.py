"""Benchmarks: distrokit beside upstream's distro. Run ``python -m benchmarks.startup --help``."""
