"""A module that only the program ``import_watched`` imports."""
