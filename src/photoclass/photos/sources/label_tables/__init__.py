"""Tables of photos and labels: beside the photos, or given as DATA."""
