"""The demo: the whole workflow, from labelled pictures to a submission and a gallery."""
