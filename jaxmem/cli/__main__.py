"""`python -m jaxmem.cli`."""

import sys

from jaxmem.cli.dispatch import main

sys.exit(main())
