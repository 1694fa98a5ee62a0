"""A/B tests: which arms there are, who was assigned to which, what they said.

Every function takes the connection of the caller's transaction, and `now` where time matters.
"""
