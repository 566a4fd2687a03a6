"""Plugins: found, validated, ordered, called; and which distro is active.

``manager`` is the only module that knows pluggy's manager: it loads plugins and calls every hook. ``candidates`` says
which plugins there are and why one is left out, ``files`` loads those that are single files, ``shape`` checks
signatures, ``validation`` what hooks return, ``tracing`` prints calls. ``distros`` has the :class:`Distro`;
``active_distro`` chooses among distros made of plugins, ``distro_selection`` between distrokit and all others.
"""
