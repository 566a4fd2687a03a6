"""``python -m distrokit`` is the ``distrokit`` command."""

import sys

from distrokit.cli import main

sys.exit(main())
