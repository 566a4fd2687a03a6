"""Where policies come from: ``files`` (one file or a folder), ``http`` (a control plane that is polled, with ``cache``,
the last good copy on disk), ``opamp`` (an OpAMP server). ``parameters`` reads their settings.
"""
