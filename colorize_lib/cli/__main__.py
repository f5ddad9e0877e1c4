"""``python -m colorize_lib.cli``: the command, where no script was installed."""

import sys

from colorize_lib.cli import main

if __name__ == "__main__":
    sys.exit(main())
