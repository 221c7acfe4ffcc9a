"""What each file format asks of the decoder: JPEG, PNG, TIFF, wide greys, colour profiles, and other kinds of files."""
