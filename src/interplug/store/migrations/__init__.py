"""The history of the schema, one file a step; each names the one before it."""
