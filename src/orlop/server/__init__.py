"""The process tree of `orlop serve`: a supervisor that serves nothing, and workers that do nothing else."""

from orlop.server.start import FirstAccount, Prepared, ServerRefused, serve
from orlop.server.worker import WorkerContext

__all__ = ["FirstAccount", "Prepared", "ServerRefused", "WorkerContext", "serve"]
