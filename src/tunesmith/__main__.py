"""`python -m tunesmith`, and so `torchrun --nproc-per-node 2 -m tunesmith train sft ...`."""

from __future__ import annotations

import sys

from tunesmith.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
