"""One reader per kind of file: bytes in, title, blocks and remarks out."""
