"""The first file of a folder of ``distrokit build``."""
