"""distrokit plugin for people at a keyboard: a demo, and a small OTLP receiver."""
