"""The size of an installation on disk, package by package: python benchmarks/install_size.py ENVIRONMENT

Counts the files that the packages of an environment list as their own, compiled modules included; pip, setuptools and
the interpreter, which every environment has, are not counted.
"""

import argparse
import os
from importlib.metadata import Distribution, distributions
from pathlib import Path

_EVERYWHERE = {"pip", "setuptools", "wheel"}
_MEGABYTE = 1e6


def size_of(package: Distribution) -> int:
    """Return the bytes of a package's files, and of what Python has compiled from them."""
    files = {Path(os.fspath(file.locate())) for file in package.files or ()}
    # pip lists compiled modules among the files, other installers leave them out.
    for path in [path for path in files if path.suffix == ".py"]:
        files.update((path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"))
    return sum(path.stat().st_size for path in files if path.is_file())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("environment", type=Path, metavar="ENVIRONMENT", help="a folder that `python -m venv` made")
    environment = parser.parse_args().environment
    folders = sorted({str(path) for path in environment.glob("[Ll]ib*/**/site-packages")})
    sizes = {p.name: size_of(p) for p in distributions(path=folders) if p.name not in _EVERYWHERE}
    for name, size in sorted(sizes.items(), key=lambda item: -item[1]):
        print(f"{size / _MEGABYTE:8.1f} MB  {name}")
    print(f"{sum(sizes.values()) / _MEGABYTE:8.1f} MB  {len(sizes)} packages")


if __name__ == "__main__":
    main()
