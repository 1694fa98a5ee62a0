"""Other tools doing the same work. These files run in the peers' own environments and import nothing of tunesmith."""
