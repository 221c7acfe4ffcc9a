"""What is kept between runs, keyed by content: pixels, fingerprints, measures, features."""
