"""One importer and exporter per file format, autodetected and named."""

from tunesmith.formats.detection import detect
from tunesmith.formats.imported import Imported, Quarantined
from tunesmith.formats.known import READABLE, WRITABLE
from tunesmith.formats.reading import read
from tunesmith.formats.streaming import stream
from tunesmith.formats.writing import write

__all__ = ["READABLE", "WRITABLE", "Imported", "Quarantined", "detect", "read", "stream", "write"]
