"""The process tree of `orlop serve`: a supervisor that serves nothing, and workers that do nothing else."""

from orlop.server.start import CannotServe, FirstAccount, Prepared, serve
from orlop.server.worker import WorkerApplication, WorkerContext

__all__ = ["CannotServe", "FirstAccount", "Prepared", "WorkerApplication", "WorkerContext", "serve"]
