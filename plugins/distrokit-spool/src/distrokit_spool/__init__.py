"""distrokit plugin: a spool on disk in front of any exporter, for outages and crashes."""
