"""One importer and exporter per file format, autodetected and named."""
