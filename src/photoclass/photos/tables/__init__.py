"""Tables that people give: one reader for labels, fixes and sample submissions."""
