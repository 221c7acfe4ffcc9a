"""DATA in another form: class folders, a table of labels, or Parquet."""
