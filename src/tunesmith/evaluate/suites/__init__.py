"""One file per suite: its public file becomes a task, to the letter of its protocol."""
