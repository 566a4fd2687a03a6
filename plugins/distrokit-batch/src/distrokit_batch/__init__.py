"""distrokit plugin: batch and simple processors, the periodic metric reader."""
