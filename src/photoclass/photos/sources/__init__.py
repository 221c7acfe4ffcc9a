"""From the paths that the user gives to a table of photos: folders, zips, label CSVs."""
