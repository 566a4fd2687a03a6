"""``python -m distrokit``, the same as the ``distrokit`` command."""

import sys

from distrokit.cli import main

sys.exit(main())
