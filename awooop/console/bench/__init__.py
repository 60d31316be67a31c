"""The project's own measurements, each beside the database's limit on the same machine."""
