"""`python -m llmesc.providers.faults --port 8099 --fault 503`: the fault server by hand, until Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
from collections.abc import Sequence

from llmesc.providers.faults.behaviours import FAULTS, behaviour
from llmesc.providers.faults.server import FaultServer

REFUSE = "refuse"


def main(arguments: Sequence[str] | None = None) -> None:
    """Parses, listens, says where, and serves until it is interrupted."""
    parser = argparse.ArgumentParser(
        prog="python -m llmesc.providers.faults",
        description="A server with the wires of models on 127.0.0.1 that fails as it is told.",
        epilog=f"Faults: {', '.join(FAULTS)}, any HTTP status from 400, and {REFUSE} (nobody listens).",
    )
    parser.add_argument("--port", type=int, default=0, help="default: one that is free")
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="[MODEL=]FAULT",
        help="for one model, or for every model that is not named; may be repeated",
    )
    options = parser.parse_args(arguments)
    script: dict[str, str] = {}
    default = "ok"
    for spec in options.fault:
        model, named, fault = spec.rpartition("=")
        if behaviour(fault) is None and (named or fault != REFUSE):
            parser.error(
                f"no fault {fault!r}; there are {', '.join(FAULTS)}, any HTTP status from 400, and {REFUSE} for all models"
            )
        if named:
            script[model] = fault
        else:
            default = fault
    with contextlib.suppress(KeyboardInterrupt):
        refuse = default == REFUSE
        asyncio.run(_serve(FaultServer(script, default="ok" if refuse else default, port=options.port), refuse=refuse))


async def _serve(server: FaultServer, *, refuse: bool) -> None:
    async with server:
        if refuse:
            await server.refuse()
        sys.stdout.write(f"{server.base_url}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    main()
