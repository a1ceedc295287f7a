"""The environment of the templates beside this module."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from evergreen import texts

TEMPLATES = Path(__file__).with_name("templates")


def environment() -> Environment:
    """Returns the templates, with the filters of `texts`."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    shown = (texts.count, texts.number, texts.signed, texts.percent, texts.duration,
             texts.moment, texts.mark, texts.kind)  # fmt: skip
    made.filters |= {function.__name__: function for function in shown}
    return made
