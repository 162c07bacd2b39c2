"""``python -m infra.package``: see ``build``."""

import sys

from infra.package.build import main

sys.exit(main())
