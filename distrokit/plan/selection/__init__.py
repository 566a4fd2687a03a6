"""The components that settings (``from_settings``) or a configuration file (``from_model``) select, with sources."""
