"""What the project's web applications share: the guard in front, refusals, host names, the server."""
