"""Plugins: discovery, validation, order and calls; and the active distro.

``manager`` is the only module that uses pluggy's manager: it loads plugins and calls every hook. ``candidates`` lists
the plugins and why one is left out, ``files`` loads plugins that are single files, ``shape`` checks hook
implementations, ``validation`` checks results of hooks, ``tracing`` prints calls. ``distros`` defines :class:`Distro`;
``active_distro`` chooses among distros made of plugins, ``launch/distro_selection`` between distrokit and all others.
"""
