"""distrokit plugin: who this process is."""
