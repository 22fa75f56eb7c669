"""``python -m relu_c``: what this build is, how fast it is here, and what it is for."""

import sys

from relu_c._cli import main

if __name__ == "__main__":
    sys.exit(main())
