"""What went wrong with a Redis, in words that say what to do."""

from __future__ import annotations

from redis import exceptions

from llmesc.escalation.redact import redact

# What a server says begins with a code; redis-py gives some of them a class of their own and drops the code then.
_BY_WORDS = (
    (("WRONGPASS", "invalid username-password pair", "invalid password"), "refuses the user or the password"),
    (("NOAUTH", "Authentication required", "without any password"), "{auth}"),
    (
        ("NOPERM", "No permissions", "no permissions"),
        "does not permit its user what llmesc needs; ACL: ~{prefix}* +@all -@dangerous +info",
    ),
    (("DB index is out of range", "invalid DB index", "SELECT is not allowed"), "has no database of that number"),
    (
        ("READONLY", "read only replica", "read-only replica"),
        "is a read-only replica: name the primary, or its sentinels",
    ),
    (("OOM", "command not allowed when used memory"), "is full: raise maxmemory, or keep less (?keep=, ?keep_runs=)"),
    (("MISCONF",), "writes nothing because it cannot save to its own disk"),
    (("LOADING", "loading the dataset"), "is still loading its data"),
    (("MASTERDOWN", "Link with MASTER is down"), "is a replica that has lost its primary"),
    (("NOREPLICAS",), "writes nothing because too few replicas follow"),
    (("MOVED", "CROSSSLOT"), "is one of a cluster: add ?cluster=true"),
    (
        ("CLUSTERDOWN", "The cluster is down", "Cluster is down", "Hash slot not served", "slots are not covered"),
        "is a cluster that is down",
    ),
    (("cluster support disabled", "Cluster mode is not enabled"), "is no cluster: take ?cluster=true away"),
    (("DENIED", "protected mode"), "accepts nobody from other hosts without a password (protected mode)"),
    (("No master found", "No slave found"), "has no primary of that name that the sentinels agree on"),
    (("BUSY ",), "is kept busy by another program's script"),
    (
        ("CERTIFICATE_VERIFY_FAILED", "certificate verify failed"),
        "shows a certificate that is not trusted: ?ca=FILE",
    ),
    (
        ("WRONG_VERSION_NUMBER", "wrong version number", "record layer failure"),
        "does not speak TLS there: redis://",
    ),
    (("Connection refused", "Connect call failed", "Errno 111"), "is not there: the connection is refused"),
    (
        ("Name or service not known", "getaddrinfo", "nodename nor servname", "name resolution"),
        "has a host name nobody knows",
    ),
    (("No such file or directory", "Errno 2"), "has no such socket"),
    (
        ("unknown command", "Unknown Redis command", "wrong number of arguments"),
        "is too old: Redis 6.2 or newer, or Valkey",
    ),
)


def in_words(error: Exception, *, prefix: str, with_password: bool) -> str:
    """One clause about `error`, to stand after the place; no secret. `prefix` is what the keys begin with."""
    text = _all_text(error)
    for signs, words in _BY_WORDS:
        if any(sign in text for sign in signs):
            auth = "refuses the user or the password" if with_password else "wants a password: redis://user:password@host"
            return words.format(auth=auth, prefix=prefix)
    if isinstance(error, exceptions.AuthenticationError):
        return "refuses the user or the password"
    if isinstance(error, exceptions.InvalidResponse):
        return "does not answer as a Redis does: is it another program's port?"
    if isinstance(error, exceptions.ConnectionError | OSError):
        return f"is away: {_short(text)}" if text else "is away"
    return f"cannot do it: {_short(text)}"


def _all_text(error: BaseException) -> str:
    """Of the error and its causes: redis-py wraps what the system said."""
    told, current = list[str](), error
    for _ in range(5):
        told.append(str(current))
        following = current.__cause__ or current.__context__
        if following is None:
            break
        current = following
    return " / ".join(dict.fromkeys(told))


def _short(text: str) -> str:
    return redact(" ".join(text.split()), 200)
