"""The exit codes of the commands. 130 after Ctrl-C, 143 after SIGTERM: 128 + the number of the signal."""

FAILED, USAGE, SKIPPED = 1, 2, 3
