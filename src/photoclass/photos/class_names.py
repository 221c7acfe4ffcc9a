"""Class names as people write them: which spellings are one name, and which known class a given name means."""

import unicodedata

# Characters that show nothing and come with copied text: soft hyphen, zero-width space, word joiner, byte-order mark,
# and marks of writing direction. The zero-width joiners stay: scripts such as Persian need them.
_INVISIBLE = dict.fromkeys(
    [0x00AD, 0x200B, 0x2060, 0xFEFF, 0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
)


def clean_class_name(name: str) -> str:
    """Return a class name in Unicode NFC, without invisible characters, its spaces trimmed and collapsed."""
    visible = unicodedata.normalize("NFC", name.translate(_INVISIBLE))
    spaces = "".join(" " if unicodedata.category(letter) == "Zs" else letter for letter in visible)
    return " ".join(part for part in spaces.split(" ") if part)


def has_control_characters(name: str) -> bool:
    """Return whether a name has a line break or another control character."""
    return any(unicodedata.category(letter) in ("Cc", "Zl", "Zp") for letter in name)
