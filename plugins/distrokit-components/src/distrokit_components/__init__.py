"""distrokit plugin: every component other packages publish under OpenTelemetry's own groups."""
