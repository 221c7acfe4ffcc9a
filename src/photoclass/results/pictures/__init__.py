"""Pictures for a person: galleries and training curves."""
