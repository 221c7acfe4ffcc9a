"""JSON documents: what `--json` writes, and the JSON Schema of each."""
