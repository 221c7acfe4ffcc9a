"""scikit-learn's interface: a classifier and a transformer of photos, with models that are model folders."""
