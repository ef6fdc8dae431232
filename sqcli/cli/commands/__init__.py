"""One file per command: the stem is the command's name, its docstring the help, `command` what runs."""
