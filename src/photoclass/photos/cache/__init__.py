"""What is kept between runs, by content: pixels, fingerprints, features."""
