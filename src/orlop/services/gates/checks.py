"""What is looked at when a gate is set, beyond what its fields say by themselves."""

from orlop.domain.errors import RequestInvalid
from orlop.domain.gates.expressions import is_about_findings
from orlop.domain.gates.gate import Gate
from orlop.ports.expressions import Expressions


class GateChecks:
    """See the module."""

    def __init__(self, expressions: Expressions) -> None:
        self._expressions = expressions

    async def call(self, name: str, body: Gate) -> None:
        """Raises RequestInvalid for an expression that cannot be asked; Unavailable where none can."""
        if not body.expression:
            return
        why = await self._expressions.check(body.expression, findings=is_about_findings(body.expression))
        if why:
            raise RequestInvalid(f"expression: {why}", {"name": name})
