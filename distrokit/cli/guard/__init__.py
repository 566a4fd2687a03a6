"""Only its folder is used, on PYTHONPATH; see :mod:`distrokit.cli.target_process`."""
