"""The built-in example: a shop's help desk with a checkable world."""
