"""The Hugging Face Hub, for what is asked of it by name (`hf:OWNER/REPO`): backbones, model folders, and pushing them.

Only files of known names are fetched, and nothing of a repository is ever run. Without `hf:` no module here is used.
"""
