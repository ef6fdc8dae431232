"""Commands as files: each is imported when it is used, and its help costs no other import."""

import importlib
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup

from sqcli import registry
from sqcli.cli.catalogue import describe_parameters, entries

COMMANDS = "cli/commands"
BadUsage: Any = typer.BadParameter.__base__  # click's UsageError, wherever this typer keeps it


class Command(TyperCommand):
    """A command whose help ends with the contents of the folders it chooses from."""

    catalogues: ClassVar[dict[str, str]] = {}

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments; BadUsage names slips that the parser would blame on something else."""
        if "" in args:
            raise BadUsage("an argument is empty", ctx)
        pairs = {name for option in self.params if "NAME=VALUE" in str(option.metavar) for name in option.opts}
        for option, name, value in zip(args, args[1:], args[2:], strict=False):
            if option in pairs and name.isidentifier() and not value.startswith("--"):
                raise BadUsage(f"{option} {name} {value}: write {option} {name}={value}", ctx)
        return list(super().parse_args(ctx, args))

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write theories, algorithms, … with their parameters below the options."""
        super().format_epilog(ctx, formatter)
        for kind, prefix in self.catalogues.items():
            option = prefix if prefix.endswith(".") else f"{prefix} "
            how = f" (parameters: {option}NAME=VALUE)" if prefix else ""
            rows = [(entry["name"], _row(entry)) for entry in entries(kind)]
            if rows:
                with formatter.section(f"{kind.capitalize()}{how}"):
                    formatter.write_dl(rows)


def _row(entry: dict[str, Any]) -> str:
    parameters = describe_parameters(entry["parameters"])
    return str(entry["summary"]) + (f" [{parameters}]" if parameters else "")


class CommandFolder(TyperGroup):
    """Group of all commands, which are the public files of `sqcli/cli/commands`."""

    def list_commands(self, ctx: Any) -> list[str]:
        """List the names of all commands."""
        return list(registry.names(COMMANDS))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Build the command `cmd_name` from its file, with the options that all commands have."""
        name = registry.resolve(COMMANDS, cmd_name)
        module = importlib.import_module(f"sqcli.cli.commands.{name}")
        kind = type("Command", (Command,), {"catalogues": getattr(module, "CATALOGUES", {})})
        app = typer.Typer(add_completion=False, rich_markup_mode=None)
        app.command(name, help=module.__doc__, cls=kind)(module.command)
        command = typer.main.get_command(app)
        command.params.extend(self.params)
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List the commands with the first lines of their files."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, registry.summary(COMMANDS, name)) for name in self.list_commands(ctx)])
