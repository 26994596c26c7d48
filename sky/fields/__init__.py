"""How each field of a task is written: its text forms, its rules, its errors. One field a file.

Nothing here knows ``Task`` or ``Resources``; they are built from these values.
"""

__all__: list[str] = []
