"""The start on demand: nothing is planned, built or imported until the process uses telemetry.

``on_demand`` holds the state of the process. ``eager_reasons`` decides whether it must start at once.
``entry_point_files`` reads the installed entry points, ``triggers`` tells which import applies which instrumentation,
``import_hook`` sees the imports, ``first_use`` sees the first call of OpenTelemetry's API, log record and so on.

Every Python process under a launcher imports this package. So its modules import nothing but what an interpreter has
imported at its start, and nothing of distrokit outside of it; a test holds that.
"""
