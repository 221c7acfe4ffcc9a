"""The demo: the whole way, from labelled pictures to a submission and a gallery."""
