"""What people said to served models, what came back, and what they thought of it.

Every function takes the connection of the caller's transaction first, and `now` where it writes a time. A conversation
belongs to one owner; for anybody else it does not exist.
"""
