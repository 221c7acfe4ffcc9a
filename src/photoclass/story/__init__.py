"""The guided tour: drawn pictures, and the demo that trains on them."""
