"""The selection of components, with sources, by settings (``from_settings``) or ``from_configuration_file``."""
