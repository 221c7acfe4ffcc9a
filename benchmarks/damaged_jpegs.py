"""How many damaged JPEGs are named, by kind of damage, and how many sound ones are named wrongly.

python benchmarks/damaged_jpegs.py DATA [--every 10]

DATA's sound JPEGs are decoded as they are; every tenth is damaged in several ways and decoded again.
"""

import argparse
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from common.measuring import machine

from photoclass.photos.decode import Unreadable, decode_picture, read_file
from photoclass.photos.sources.read import read_data
from photoclass.workspace import Workspace

END = b"\xff\xd9"
HOLE = 512


def closed(data: bytes, length: int) -> bytes:
    """Return the start of a JPEG, with an end marker."""
    return data[:length].removesuffix(b"\xff") + END


def damages(generator: random.Random) -> dict[str, Callable[[bytes, int], bytes]]:
    """Return ways to damage a JPEG whose data begins at a place."""

    def middle(data: bytes, start: int) -> int:
        return (start + len(data)) // 2

    return {
        "no end marker (sound)": lambda data, start: data[:-2],
        "half of the data, closed": lambda data, start: closed(data, middle(data, start)),
        "nine tenths of the data, closed": lambda data, start: closed(data, start + (len(data) - start) * 9 // 10),
        f"{HOLE} bytes lost": lambda data, start: data[: middle(data, start)] + data[middle(data, start) + HOLE :],
        f"{HOLE} bytes of zeros": lambda data, start: overwritten(data, middle(data, start), bytes(HOLE)),
        f"{HOLE} random bytes": lambda data, start: overwritten(data, middle(data, start), generator.randbytes(HOLE)),
        "one bit flipped": lambda data, start: overwritten(
            data, middle(data, start), bytes([data[middle(data, start)] ^ 16])
        ),
    }


def overwritten(data: bytes, place: int, other: bytes) -> bytes:
    """Put other bytes in place."""
    return data[:place] + other + data[place + len(other) :]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--every", type=int, default=10)
    arguments = parser.parse_args()
    ways = damages(random.Random(0))
    named: Counter[str] = Counter()
    tried: Counter[str] = Counter()
    table = read_data(arguments.data, Workspace())
    for number, path in enumerate(table.paths):
        data = read_file(path)
        if isinstance(data, Unreadable) or not data.startswith(b"\xff\xd8"):
            continue
        tried["as it is (sound)"] += 1
        named["as it is (sound)"] += isinstance(decode_picture(data, 512), Unreadable)
        if number % arguments.every:
            continue
        start = data.index(b"\xff\xda") + 14
        for way, damage in ways.items():
            tried[way] += 1
            named[way] += isinstance(decode_picture(damage(data, start), 512), Unreadable)
    print(f"{machine()}\n")
    print("| JPEG | photos | named damaged or truncated |")
    print("| --- | --- | --- |")
    for way, count in tried.items():
        print(f"| {way} | {count:,} | {named[way]:,} |")


if __name__ == "__main__":
    main()
