"""What is said to a command line that cannot be run: what is wrong, and what was probably meant."""

import cyclopts

#: Flags of other programs, and of habit, with the one that is meant; only where the command has that one.
_MEANT = {
    "--listen": ("--port", "-p", "--host", "--bind", "--addr", "--address", "--listen-address"),
    "--data": ("--dir", "--data-dir", "--root", "--storage", "--path", "--folder", "-d"),
    "--config": ("--config-file", "--conf", "-c", "-f"),
    "--tls-cert": ("--cert", "--certificate", "--ssl-cert"),
    "--tls-key": ("--key", "--private-key", "--ssl-key"),
    "--server": ("--host", "--url", "--registry", "--address", "--endpoint"),
    "--user": ("--username", "--login", "--name"),
    "--password-stdin": ("--password", "--pass", "--token", "-p", "--pass-stdin"),
    "--insecure": (
        "--tls-verify",
        "--no-tls-verify",
        "--skip-tls-verify",
        "--tls-skip-verify",
        "--insecure-skip-tls-verify",
        "-k",
    ),
    "--plain-http": ("--http", "--no-tls", "--insecure-registry", "--no-https"),
    "--ca": ("--cacert", "--ca-cert", "--ca-file", "--cafile", "--certificate-authority"),
    "--yes": ("--force", "-f", "-y", "--confirm", "--no-confirm", "--assume-yes"),
    "--recursive": ("-r", "-R", "--recurse", "--all"),
    "--json": ("--format", "--output", "-o"),
}
#: The longest text of an argument that an error repeats.
_SHORT = 80


def told(error: cyclopts.CycloptsError) -> str:
    """One sentence."""
    match error:
        case cyclopts.UnknownOptionError():
            text = _unknown(error)
        case cyclopts.MissingArgumentError() if error.argument is not None and error.command_chain:
            text = f"{_command(error)} needs {error.argument.name}{_meaning(error)}; {_help(error)}"
        case cyclopts.CoercionError() if error.argument is not None and error.target_type is int and error.token:
            given = (error.token.value or "")[:64]
            text = f"{given!r} is no number for {error.argument.name}{_meaning(error)}; {_help(error)}"
        case _:
            text = " ".join(str(error).split())
    return f"{text[:1].lower()}{text[1:]}" if not text.startswith("orlop ") else text


def _unknown(error: cyclopts.UnknownOptionError) -> str:
    flag = (error.token.keyword or error.token.value).partition("=")[0]
    known = {name for argument in error.argument_collection if argument.parse for name in argument.names}
    for meant, others in _MEANT.items():
        if flag in others and meant in known:
            return f"unknown option: {flag}. Did you mean {meant}?"
    text = " ".join(str(error).split())
    return text if "Did you mean" in text else f"{text.rstrip('.')}; {_help(error)}"


def _meaning(error: cyclopts.CycloptsError) -> str:
    """What is to stand there, as the help has it; nothing where that is more than a few words."""
    if error.app is None or error.argument is None:
        return ""
    known = error.app.assemble_argument_collection(parse_docstring=True)
    texts = [each.parameter.help or "" for each in known if each.name == error.argument.name]
    text = " ".join("".join(texts).split()).partition(". ")[0].partition(" [default")[0].rstrip(".")
    if not text or len(text) > _SHORT:
        return ""
    return f", {text}" if text[1:2].isupper() else f", {text[:1].lower()}{text[1:]}"


def _command(error: cyclopts.CycloptsError) -> str:
    return " ".join(["orlop", *(error.command_chain or ())])


def _help(error: cyclopts.CycloptsError) -> str:
    return f"{_command(error)} --help lists what there is"
