"""Records, errors, hashing and configuration; knows nothing of files, torch or the web."""
