"""One file per scorer: pure functions of a target and a response."""
