"""Commands, a file each: its stem is the command's name, its docstring the help, its `command` what runs."""
