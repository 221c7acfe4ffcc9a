"""Runs `photoclass` with a demo of fewer drawings: python small_demo.py DRAWINGS_PER_CLASS WORDS..."""

import sys

from photoclass.cli import main
from photoclass.walkthrough import demo

if __name__ == "__main__":
    demo.DRAWINGS_PER_CLASS = int(sys.argv[1])
    main(sys.argv[2:])
