"""The command line: its root, and how a run of it ends."""

import sys
from collections.abc import Sequence

import cyclopts

from orlop import __version__
from orlop.config import ConfigurationInvalid
from orlop.faces.cli.mistakes import told
from orlop.faces.cli.overview import overview
from orlop.faces.cli.running import DONE, FAILED, USAGE, UsageError, tell


def build() -> cyclopts.App:
    """The root, without any command but `version`."""
    app = cyclopts.App(
        name="orlop",
        help="A container registry, and tools for what registries hold.",
        version=f"orlop {__version__}",
        help_format="plaintext",
        help_formatter="plain",
        # A flag that is not given is off; where there is more to say, the text of the parameter says it.
        default_parameter=cyclopts.Parameter(show_default=False),
        result_action="return_value",
    )

    @app.command
    def version() -> None:
        """Print the version."""
        print(f"orlop {__version__}")

    return app


def invoke(app: cyclopts.App, arguments: Sequence[str]) -> int:
    """Run the command that `arguments` name; the exit code. A wrong command line is told in one sentence."""
    try:
        if list(arguments) in ([], ["--help"], ["-h"], ["help"]):
            print(overview(app))
            result = DONE
        else:
            result = app(arguments, exit_on_error=False, print_error=False)
        if sys.stdout is not None:
            sys.stdout.flush()  # or a reader that left would be noticed when nobody handles it any more
    except cyclopts.CycloptsError as error:
        tell(f"orlop: {told(error)}")
        return USAGE
    except (UsageError, ConfigurationInvalid) as error:
        tell(f"orlop: {error}")
        return USAGE
    except BrokenPipeError:
        # The reader of our output has seen enough. Python would complain once more when it flushes at exit.
        sys.stdout = None
        return FAILED
    return result if isinstance(result, int) else 0
