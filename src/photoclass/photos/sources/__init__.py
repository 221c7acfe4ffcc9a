"""From what the user names to a table of photos: folders, zips, tables of labels."""
