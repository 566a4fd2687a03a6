"""A command of click with a subcommand, that ends the process with a code of its own."""

import click


@click.group()
def cli():
    pass


@cli.command()
@click.option("--count", default=1)
@click.pass_context
def order(context, count):
    click.echo(f"{count} ordered")
    context.exit(4)


cli(["order", "--count", "2"])
