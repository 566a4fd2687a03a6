"""The programs that are measured. They run in the benchmark's environments, each in a process of its own."""
