"""The one HTTP client: bytes out, status, headers and bytes in, and every way it can fail as one word.

Nothing else in llmesc imports what speaks HTTP or maps the exceptions of sockets, TLS and HTTP. asyncio and ssl alone take 40 ms
to import, so only wires import this room. The seam is `Http.send`: another transport can be put behind it. One send is one
request, without retries or redirects, because a question that leaves twice costs twice.

Each concurrent call has a `lane`: a connection of its own, taken from the top of a stack and put back. A pool that all calls
share looks through all of its connections at every call, so that each of fifty at once costs several times as much as one.
Lanes lead straight to the server (`direct`: h11 over a `stream`) or through a proxy (`proxied`: httpx). httpx also finds the
trusted certificates and undoes what nobody asked to be encoded; it takes 25 ms to import, so only these do.

There is no read timeout here. Whether an answer is alive is decided by its content, above; to stop waiting is to cancel,
and that drops the connection.
"""

from llmesc.providers.http.client import USER_AGENT, Http
from llmesc.providers.http.reply import MAX_BODY_BYTES, MAX_ERROR_BODY_BYTES, Reply, whole

__all__ = ["MAX_BODY_BYTES", "MAX_ERROR_BODY_BYTES", "USER_AGENT", "Http", "Reply", "whole"]
