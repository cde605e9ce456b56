"""How rows get in and out of files: one module a format, one shape between them.

`files.py` finds the format of a name and opens it; `table.py` says what is handed on.
"""
