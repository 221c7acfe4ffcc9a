"""A listing as a tree of folders, so that each is looked at once however many files there are."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from photoclass.errors import DataError
from photoclass.photos.sources.listing import Listing
from photoclass.photos.sources.name_labels import NameLabels, is_called_photo, labels_by_dots, labels_by_name

# Those of nearly all photos: looking them up is three times as fast as asking for any ending.
_USUAL_ENDINGS = frozenset({".jpg", ".JPG", ".png", ".PNG"})

# A tree is walked by functions that call themselves for each level: Python stops them at 1,000.
_MOST_LEVELS = 100

IsPhoto = Callable[[str], bool]


@dataclass(eq=False)
class Folder:
    """A folder of a listing.

    Attributes:
        path: Its path in the listing; empty for the root.
        is_photo: Returns whether a file, by its path in the listing, holds a photo.
        folders: Its folders by name, in natural order.
        names: The names of its own files, in natural order; without what the listing passes over.
        has_others: Whether files in it, at any depth, are passed over by the listing.
    """

    path: str
    is_photo: IsPhoto = field(repr=False)
    folders: dict[str, "Folder"] = field(default_factory=dict)
    names: list[str] = field(default_factory=list, repr=False)
    has_others: bool = False

    @property
    def name(self) -> str:
        """Its own name."""
        return self.path.rpartition("/")[2]

    def file(self, name: str) -> str:
        """Return the path of one of its own files."""
        return f"{self.path}/{name}" if self.path else name

    def without_folders(self) -> "Folder":
        """Return the folder with its own files alone."""
        return Folder(self.path, self.is_photo, {}, self.names)

    def files(self) -> Iterator[str]:
        """Yield the paths of all files in it, at any depth."""
        for name in self.names:
            yield self.file(name)
        for folder in self.folders.values():
            yield from folder.files()

    @cached_property
    def count(self) -> int:
        """The number of all files in it, at any depth."""
        return len(self.names) + sum(folder.count for folder in self.folders.values())

    @cached_property
    def own_photos(self) -> int:
        """The number of its own files that are photos by their ending; where none is and one holds a photo, of all."""
        by_ending = sum(1 for name in self.names if name[-4:] in _USUAL_ENDINGS or is_called_photo(name))
        return by_ending or (len(self.names) if any(map(self.is_photo, map(self.file, self.names))) else 0)

    @cached_property
    def has_photos(self) -> bool:
        """Whether there is a photo in it, at any depth."""
        return self.own_photos > 0 or any(folder.has_photos for folder in self.folders.values())

    @cached_property
    def dotted_names(self) -> NameLabels:
        """The classes that the names of its own files give as `cat.0.jpg` does."""
        return labels_by_dots(self.names)

    @cached_property
    def labelled_names(self) -> NameLabels:
        """The classes that the names of its own files give by any unambiguous pattern."""
        return labels_by_name(self.names)

    def without_photos(self) -> Iterator["Folder"]:
        """Yield the outermost folders in it that have files and no photo."""
        for folder in self.folders.values():
            if folder.has_photos:
                yield from folder.without_photos()
            elif folder.count:
                yield folder

    @cached_property
    def photo_folders(self) -> dict[str, "Folder"]:
        """Its folders that hold photos, by name."""
        return {name: folder for name, folder in self.folders.items() if folder.has_photos}


def folder_tree(listing: Listing, where: str, is_photo: IsPhoto) -> Folder:
    """Return the root of a listing.

    Args:
        listing: The content of a folder.
        where: The folder's path as the user wrote it, for messages.
        is_photo: Returns whether a file, by its path in the listing, holds a photo.

    Raises:
        DataError: Its folders are nested too deeply.
    """
    deepest = max(
        (file.count("/") for file in (*listing.files, *(f"{folder}/" for folder in listing.folders))), default=0
    )
    if deepest > _MOST_LEVELS:
        raise DataError(
            f"{where}: its folders are nested {deepest:,} levels deep, more than the {_MOST_LEVELS} that are read; "
            "give the folder that holds the photos"
        )
    root = Folder("", is_photo)
    known = {"": root}

    def folder_of(path: str) -> Folder:
        found = known.get(path)
        if found is None:
            parent, _, name = path.rpartition("/")
            found = known[path] = folder_of(parent).folders.setdefault(name, Folder(path, is_photo))
        return found

    for path in listing.folders:
        folder_of(path)
    here = root
    for file in listing.files:
        parent, _, name = file.rpartition("/")
        if parent != here.path:
            here = folder_of(parent)
        here.names.append(name)
    for file in listing.kinds:
        parent = file.rpartition("/")[0]
        while parent and parent in known and not known[parent].has_others:
            known[parent].has_others = True
            parent = parent.rpartition("/")[0]
    return root
