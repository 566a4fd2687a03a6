"""distrokit plugin for development: a demo, an OTLP receiver, and templates for packages."""
