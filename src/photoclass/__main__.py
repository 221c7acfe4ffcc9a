"""`python -m photoclass`: the same as the command `photoclass`."""

from photoclass.cli import main

if __name__ == "__main__":
    main()
