"""The command line: one thin file a verb, loaded only when that verb is called."""

from importlib import import_module

import click

from .. import __version__

VERBS = {
    "cut": "Cut people out of photos and videos.",
    "camera": "Cut people out live, in a window, a file or a virtual camera.",
    "models": "List the shipped models and the networks of the zoo.",
    "doctor": "Check this installation.",
    "data": "Bring in pictures with masks, check them, look at them, or make some.",
    "train": "Train the network that a recipe describes.",
    "prune": "Drop the channels of a trained network that count least.",
    "search": "Find the networks that are best at each cost.",
    "evaluate": "Measure models on pictures with masks.",
    "export": "Write a trained network as a file for a runtime.",
    "bench": "Time models side by side in one run.",
    "app": "Serve the phone app, or export it for a static host.",
    "serve": "Cut pictures out over HTTP.",
}


class Verbs(click.Group):
    """`fastportrait VERB`: help is printed without importing any verb."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in VERBS:
            return None
        command: click.Command = import_module(f"fastportrait.cli.{name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        from difflib import get_close_matches

        if args and args[0] not in VERBS and not args[0].startswith("-"):
            near = get_close_matches(args[0], VERBS, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else f" The commands are {', '.join(VERBS)}."
            raise click.UsageError(f"No such command {args[0]!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="fastportrait")
def main() -> None:
    """Portrait segmentation for phones: cut out, train, measure, export.

    Start with: fastportrait cut PHOTO.jpg
    """
