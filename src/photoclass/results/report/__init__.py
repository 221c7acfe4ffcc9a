"""The report: everything known about a model, as one HTML page."""
