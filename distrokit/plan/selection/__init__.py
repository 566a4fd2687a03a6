"""What settings (``from_settings``) or a file (``from_configuration_file``) select, with sources."""
