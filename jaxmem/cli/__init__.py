"""The command line: `jaxmem list`, `jaxmem run STUDY`, `jaxmem show STORE`, `jaxmem plot STORE -o FILE`.

A study's fields are its flags; nothing is said of a study here. Results and tables go to standard output,
progress to standard error; every error is one sentence and a non-zero exit status. JAX is imported when a
study is run or a store drawn, not before.
"""

from jaxmem.cli.commands import COMMANDS as COMMANDS
from jaxmem.cli.dispatch import main as main
