"""What this machine is and what fits into it."""
