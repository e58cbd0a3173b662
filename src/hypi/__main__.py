"""`python -m hypi` is `hyperion`."""

import sys

from hypi.cli import main

sys.exit(main())
