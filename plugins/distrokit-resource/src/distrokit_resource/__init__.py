"""distrokit plugin: resource detectors for service instance, host, process and container."""
