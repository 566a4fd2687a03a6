"""The folder that ``distrokit doctor -- COMMAND`` puts on PYTHONPATH; see :mod:`distrokit.cli.target_process`."""
