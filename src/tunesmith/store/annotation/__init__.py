"""What labelers are asked, who they are, who holds which item, and everything they said.

Every function takes the connection of the caller's transaction first; the caller decides what is one transaction.
Times are handed in (`now`, seconds since 1970), never read here.
"""
