"""From a listing to where its classes are: a tree of folders, split folders, and what stands beside."""
