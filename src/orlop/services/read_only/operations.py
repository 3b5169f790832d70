"""Which operations of management go on while the registry is read-only."""

from orlop.services.management.operations import Operation

#: What looks, though it is asked with a body; and what takes from somebody what they could do, which never waits.
GOES_ON = frozenset(
    {
        Operation.EXPLAIN,
        Operation.WHO,
        Operation.GATE_TRY,
        Operation.PROVIDER_TEST,
        Operation.SCANNER_CHECK,
        Operation.SESSION_END,
        Operation.TOKEN_REVOKE,
        Operation.ROBOT_SECRET_REVOKE,
        Operation.JOB_CANCEL,
    }
)


def goes_on(operation: Operation) -> bool:
    """Whether it is done while the registry is read-only."""
    return operation in GOES_ON or operation.value.endswith(".read")
