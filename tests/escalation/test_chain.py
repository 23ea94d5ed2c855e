"""Chain building: order is sacred, nobody is lost, and every rejection says why."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmesc.escalation.chain import (
    ChainRequest,
    build_chain,
    empty_chain_error,
    is_tier_upgrade,
    move_of,
    offerings_named,
    policy_violation,
)
from llmesc.escalation.denials import DenialIndex
from llmesc.escalation.errors import EscalationExhausted, RoutingFailedDependency, RoutingTooEarly, UnknownName
from llmesc.escalation.events import Chain, Move
from llmesc.escalation.ports import Denial
from llmesc.escalation.resolution import CircuitKey, ModelKey, Offering, Reference, Resolution, Tier
from llmesc.escalation.times import Timestamp


def offer(
    ref: str,
    tier: Tier = Tier.VLLM,
    *,
    window: int | None = None,
    can: set[str] | None = None,
    private: bool = True,
) -> Resolution:
    provider, instance, model = Reference.parse(ref)
    return Resolution(
        tier=tier,
        provider=provider,
        instance=instance or "default",
        model=model,
        offering=Offering(offering_id=ref, context_window=window, capabilities=None if can is None else frozenset(can)),
        private=private,
    )


def deny(provider: str, instance: str, model: str, *, until: float | None = 500.0, why: str = "no such model") -> Denial:
    return Denial(
        key=ModelKey(provider, instance, model),
        why=why,
        who="llmesc",
        set_at=Timestamp(100.0),
        until=None if until is None else Timestamp(until),
    )


def refs(chain: Chain) -> list[str]:
    return [resolution.ref for resolution in chain.candidates]


def reasons(chain: Chain) -> dict[str, str]:
    return {entry.resolution.ref: entry.reason for entry in chain.rejected}


HOUSE = (
    offer("claude@team-a/sonnet", Tier.FRONTIER, window=200_000, can={"tools", "images"}, private=False),
    offer("lab@gpu1/qwen", Tier.VLLM, window=32_768, can={"tools"}),
    offer("lab@gpu2/qwen", Tier.VLLM, window=32_768, can={"tools"}),
    offer("lab@gpu1/llava", Tier.VLLM),
    offer("embedded/smol", Tier.LOCAL, window=2_048, can=set()),
    offer("openai/gpt", Tier.CLOUD, window=128_000, can={"tools", "images"}, private=False),
)
TIER_ORDER = ["embedded/smol", "lab@gpu1/qwen", "lab@gpu2/qwen", "lab@gpu1/llava", "openai/gpt", "claude@team-a/sonnet"]


@dataclass(frozen=True)
class Case:
    name: str
    request: ChainRequest
    candidates: list[str]
    rejected: dict[str, str]


CASES = [
    Case("without references every offering stands in tier order", ChainRequest(), TIER_ORDER, {}),
    Case(
        "references keep their order, against the tiers too",
        ChainRequest(references=("openai/gpt", "embedded/smol")),
        ["openai/gpt", "embedded/smol"],
        {},
    ),
    Case(
        "a reference without an instance stands for all of them, in configuration order",
        ChainRequest(references=("lab/qwen", "openai/gpt")),
        ["lab@gpu1/qwen", "lab@gpu2/qwen", "openai/gpt"],
        {},
    ),
    Case(
        "a candidate named twice stands where it was named first",
        ChainRequest(references=("lab@gpu2/qwen", "lab/qwen", "lab@gpu1/qwen")),
        ["lab@gpu2/qwen", "lab@gpu1/qwen"],
        {},
    ),
    Case(
        "the only instance of a provider can be named too",
        ChainRequest(references=("openai@default/gpt",)),
        ["openai/gpt"],
        {},
    ),
    Case(
        "a pinned model becomes the primary and is not asked twice",
        ChainRequest(references=("embedded/smol", "lab/qwen", "openai/gpt"), pinned="lab@gpu2/qwen"),
        ["lab@gpu2/qwen", "embedded/smol", "lab@gpu1/qwen", "openai/gpt"],
        {},
    ),
    Case(
        "a pinned model need not stand in the chain",
        ChainRequest(references=("embedded/smol",), pinned="openai/gpt"),
        ["openai/gpt", "embedded/smol"],
        {},
    ),
    Case(
        "a tier floor leaves out what is below",
        ChainRequest(tier_floor=Tier.CLOUD),
        ["openai/gpt", "claude@team-a/sonnet"],
        dict.fromkeys(TIER_ORDER[:4], "below_tier"),
    ),
    Case(
        "a pinned model is exempt from the floor",
        ChainRequest(tier_floor=Tier.CLOUD, pinned="embedded/smol"),
        ["embedded/smol", "openai/gpt", "claude@team-a/sonnet"],
        dict.fromkeys(TIER_ORDER[1:4], "below_tier"),
    ),
    Case(
        "privacy leaves only the operator's own machines",
        ChainRequest(privacy=True),
        TIER_ORDER[:4],
        dict.fromkeys(TIER_ORDER[4:], "privacy"),
    ),
    Case(
        "allowed models are globs, with the instance or without",
        ChainRequest(allowed_models=("lab/*", "claude@team-*/*")),
        ["lab@gpu1/qwen", "lab@gpu2/qwen", "lab@gpu1/llava", "claude@team-a/sonnet"],
        {"embedded/smol": "not_allowed", "openai/gpt": "not_allowed"},
    ),
    Case(
        "a capability known to be missing rejects, an unknown one whose absence shows does not",
        ChainRequest(needs=frozenset({"tools"})),
        TIER_ORDER[1:],
        {"embedded/smol": "missing_capability"},
    ),
    Case(
        "a capability that is ignored in silence must be confirmed",
        ChainRequest(needs=frozenset({"images"})),
        ["openai/gpt", "claude@team-a/sonnet"],
        {
            "embedded/smol": "missing_capability",
            "lab@gpu1/qwen": "missing_capability",
            "lab@gpu2/qwen": "missing_capability",
            "lab@gpu1/llava": "unconfirmed_capability",
        },
    ),
    Case(
        "a prompt must fit the window less the headroom; unknown windows stay",
        ChainRequest(estimated_tokens=30_000, window_headroom=0.1),
        ["lab@gpu1/llava", "openai/gpt", "claude@team-a/sonnet"],
        dict.fromkeys(["embedded/smol", "lab@gpu1/qwen", "lab@gpu2/qwen"], "context_too_small"),
    ),
    Case(
        "without headroom the same prompt fits",
        ChainRequest(estimated_tokens=30_000, window_headroom=0.0),
        TIER_ORDER[1:],
        {"embedded/smol": "context_too_small"},
    ),
    Case(
        "an instance without a key is left out with all its models",
        ChainRequest(without_credentials=frozenset({CircuitKey("lab", "gpu1"), CircuitKey("openai")})),
        ["embedded/smol", "lab@gpu2/qwen", "claude@team-a/sonnet"],
        dict.fromkeys(["lab@gpu1/qwen", "lab@gpu1/llava", "openai/gpt"], "no_credentials"),
    ),
    Case(
        "a denial names one model on one instance",
        ChainRequest(denials=(deny("lab", "gpu1", "qwen"),)),
        [ref for ref in TIER_ORDER if ref != "lab@gpu1/qwen"],
        {"lab@gpu1/qwen": "denied"},
    ),
    Case(
        "a denial may be a glob in every part",
        ChainRequest(denials=(deny("l*", "*", "q[vw]en"), deny("openai", "*", "*"))),
        ["embedded/smol", "lab@gpu1/llava", "claude@team-a/sonnet"],
        dict.fromkeys(["lab@gpu1/qwen", "lab@gpu2/qwen", "openai/gpt"], "denied"),
    ),
    Case(
        "policy is named before what could be put right",
        ChainRequest(
            references=("openai/gpt", "embedded/smol"),
            allowed_models=("embedded/*",),
            privacy=True,
            denials=(deny("*", "*", "*"),),
        ),
        [],
        {"openai/gpt": "not_allowed", "embedded/smol": "denied"},
    ),
    Case(
        "unconfirmed always means that nothing else stands in the way",
        ChainRequest(references=("lab/llava",), needs=frozenset({"images"}), denials=(deny("lab", "*", "llava"),)),
        [],
        {"lab@gpu1/llava": "denied"},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_request_makes_its_chain(case: Case) -> None:
    chain = build_chain(HOUSE, case.request)

    assert case.candidates == refs(chain)
    assert case.rejected == reasons(chain)
    assert chain.name == case.request.name


def test_a_rejection_tells_the_numbers_and_the_time() -> None:
    request = ChainRequest(estimated_tokens=30_000, denials=(deny("openai", "default", "gpt", why="no such model"),))

    details = {entry.resolution.ref: (entry.detail, entry.retry_at) for entry in build_chain(HOUSE, request).rejected}

    assert details["lab@gpu1/qwen"] == ("about 30,000 tokens of prompt; a window of 32,768 has room for 29,491", None)
    assert details["openai/gpt"] == ("llmesc: no such model", 500.0)


@pytest.mark.parametrize(("tokens", "kept"), [(90, ["lab/small"]), (91, [])])
def test_a_prompt_that_just_fits_stays(tokens: int, kept: list[str]) -> None:
    small = offer("lab/small", window=100)

    assert kept == refs(build_chain([small], ChainRequest(estimated_tokens=tokens, window_headroom=0.1)))


@pytest.mark.parametrize(
    ("denials", "until"),
    [
        ([], "no denial"),
        ([deny("a", "i", "m", until=5.0)], 5.0),
        ([deny("a", "i", "m", until=5.0), deny("a", "*", "*", until=9.0)], 9.0),
        ([deny("a", "i", "m", until=None), deny("a", "*", "*", until=9.0)], None),
        ([deny("a", "i", "m", until=9.0), deny("a", "i", "m", until=None), deny("a", "i", "m", until=7.0)], None),
        ([deny("a", "i", "M", until=9.0), deny("a", "i", "m*x", until=9.0)], "no denial"),
        ([deny("A*", "i", "m", until=9.0)], "no denial"),
    ],
)
def test_the_denial_that_lasts_longest_counts(denials: list[Denial], until: object) -> None:
    found = DenialIndex(denials).of(ModelKey("a", "i", "m"))

    assert until == ("no denial" if found is None else found.until)


def test_a_failure_denies_a_model_whose_name_looks_like_a_glob() -> None:
    odd = ModelKey("lab", "gpu1", "tune[v2]")

    assert DenialIndex([deny(*odd)]).of(odd) is not None


@pytest.mark.parametrize(
    ("wrong", "nearest"),
    [
        ("lab/qwem", "lab/qwen"),
        ("lab@gpu3/qwen", "lab@gpu1/qwen"),
        ("sonnet", "claude@team-a/sonnet"),
        ("openai@team-b/gpt", "openai/gpt"),
        ("LAB/QWEN", "lab/qwen"),
    ],
)
@pytest.mark.parametrize("place", ["references", "pinned"])
def test_an_unknown_reference_is_an_error_that_names_the_nearest(wrong: str, nearest: str, place: str) -> None:
    request = ChainRequest(references=(wrong,)) if place == "references" else ChainRequest(pinned=wrong)

    with pytest.raises(UnknownName) as caught:
        build_chain(HOUSE, request)

    assert wrong in str(caught.value)
    assert nearest in caught.value.nearest


def test_without_references_nothing_is_looked_up() -> None:
    assert offerings_named((), ()) == []


@pytest.mark.parametrize(
    ("request_", "violates"),
    [
        (ChainRequest(pinned="openai/gpt", allowed_models=("lab/*",)), "openai/gpt"),
        (ChainRequest(pinned="lab/qwen", allowed_models=("lab@gpu2/*",)), None),
        (ChainRequest(pinned="lab/qwen", allowed_models=("openai/*",)), "lab@gpu1/qwen"),
        (ChainRequest(allowed_models=("openai/*",)), None),
        (ChainRequest(pinned="openai/gpt", denials=(deny("openai", "default", "gpt"),)), None),
    ],
    ids=[
        "the pinned model is forbidden",
        "one instance of the pinned model is allowed",
        "no instance of the pinned model is allowed",
        "a forbidden model stands in the chain without being asked for",
        "a denial is no policy",
    ],
)
def test_only_a_forbidden_model_that_was_asked_for_by_name_stops_the_run(request_: ChainRequest, violates: str | None) -> None:
    violation = policy_violation(build_chain(HOUSE, request_), request_)

    assert violates == (violation and violation.resolution.ref)


def test_an_empty_chain_is_too_early_when_a_capability_is_not_confirmed() -> None:
    request = ChainRequest(references=("embedded/smol", "lab/llava"), needs=frozenset({"images"}))

    error = empty_chain_error(build_chain(HOUSE, request))

    assert type(error) is RoutingTooEarly
    assert "lab@gpu1/llava" in error.hint
    assert [report.skipped for report in error.attempts] == ["missing_capability", "unconfirmed_capability"]


def test_an_empty_chain_is_a_failed_dependency_when_all_were_rejected() -> None:
    denials = (deny("lab", "*", "*", until=700.0), deny("openai", "*", "*", until=600.0))
    request = ChainRequest(references=("embedded/smol", "lab/qwen", "openai/gpt"), needs=frozenset({"tools"}), denials=denials)

    error = empty_chain_error(build_chain(HOUSE, request))

    assert type(error) is RoutingFailedDependency
    assert error.retry_at == 600.0
    assert "3 denied, 1 missing capability" in str(error)


def test_an_empty_chain_is_exhausted_when_nothing_was_offered() -> None:
    assert type(empty_chain_error(build_chain((), ChainRequest()))) is EscalationExhausted


def test_a_move_is_told_relative_to_the_primary() -> None:
    primary = offer("lab@gpu1/qwen", Tier.VLLM)

    assert move_of(primary, replace(primary)) is Move.PRIMARY
    assert move_of(primary, offer("lab@gpu2/qwen", Tier.VLLM)) is Move.LATERAL
    assert move_of(primary, offer("openai/gpt", Tier.CLOUD)) is Move.ESCALATION
    assert move_of(primary, offer("embedded/smol", Tier.LOCAL)) is Move.ESCALATION


@pytest.mark.parametrize("before", Tier)
@pytest.mark.parametrize("after", Tier)
def test_only_self_hosted_to_hosted_is_a_tier_upgrade(before: Tier, after: Tier) -> None:
    upgrade = is_tier_upgrade(offer("a/m", before), offer("b/m", after))

    assert upgrade == (before in (Tier.LOCAL, Tier.FLEET, Tier.VLLM) and after in (Tier.CLOUD, Tier.FRONTIER))


# -- laws -----------------------------------------------------------------------------------------------------------------

names = st.sampled_from(["a", "b", "c"])
capabilities = st.none() | st.frozensets(st.sampled_from(["tools", "images", "json"]))


@st.composite
def houses(draw: st.DrawFn) -> tuple[Resolution, ...]:
    keys = draw(st.lists(st.tuples(names, names, names), unique=True, max_size=12))
    return tuple(
        replace(
            offer(f"{provider}@{instance}/{model}", draw(st.sampled_from(Tier)), private=draw(st.booleans())),
            offering=Offering(
                offering_id="o",
                context_window=draw(st.none() | st.integers(1, 100)),
                capabilities=draw(capabilities),
            ),
        )
        for provider, instance, model in keys
    )


@st.composite
def houses_and_requests(draw: st.DrawFn) -> tuple[tuple[Resolution, ...], ChainRequest]:
    house = draw(houses())
    known = [str(Reference(it.provider, it.instance, it.model)) for it in house] + [f"{it.provider}/{it.model}" for it in house]
    some_known = st.sampled_from(known) if known else st.nothing()
    globs = st.sampled_from(["a", "b", "*", "[ab]"])
    request = ChainRequest(
        references=draw(st.none() | st.lists(some_known, max_size=6 if known else 0).map(tuple)),
        pinned=draw(st.none() | some_known),
        tier_floor=draw(st.none() | st.sampled_from(Tier)),
        needs=draw(st.frozensets(st.sampled_from(["tools", "images"]))),
        estimated_tokens=draw(st.integers(0, 120)),
        privacy=draw(st.booleans()),
        allowed_models=draw(st.lists(st.sampled_from(["a/*", "*@b/*", "*/c"]), max_size=2).map(tuple)),
        denials=tuple(
            deny(*key, until=draw(st.none() | st.floats(0, 9)))
            for key in draw(st.lists(st.tuples(globs, globs, globs), max_size=2))
        ),
        without_credentials=draw(st.frozensets(st.builds(CircuitKey, names, names), max_size=3)),
    )
    return house, request


def wanted(house: tuple[Resolution, ...], request: ChainRequest) -> list[str]:
    """What the rules of order say, written down a second time."""
    named = [it.ref for it in sorted(house, key=lambda it: it.tier)]
    if request.references is not None:
        named = [it.ref for text in request.references for it in house if _answers(it, text)]
    pinned = [it.ref for it in house if request.pinned and _answers(it, request.pinned)]
    return list(dict.fromkeys(pinned + named))


def _answers(it: Resolution, text: str) -> bool:
    reference = Reference.parse(text)
    return (it.provider, it.model) == (reference.provider, reference.model) and reference.instance in (None, it.instance)


@given(houses_and_requests())
def test_nobody_is_lost_and_the_order_is_kept(drawn: tuple[tuple[Resolution, ...], ChainRequest]) -> None:
    house, request = drawn
    chain = build_chain(house, request)

    order = wanted(house, request)
    kept, out = refs(chain), [entry.resolution.ref for entry in chain.rejected]
    assert kept == [ref for ref in order if ref in kept]
    assert out == [ref for ref in order if ref in out]
    assert sorted(kept + out) == sorted(order)


@given(houses_and_requests())
def test_the_same_request_makes_the_same_chain(drawn: tuple[tuple[Resolution, ...], ChainRequest]) -> None:
    assert build_chain(*drawn) == build_chain(*drawn)


@given(houses_and_requests())
def test_what_is_left_out_would_stay_if_nothing_were_asked(drawn: tuple[tuple[Resolution, ...], ChainRequest]) -> None:
    house, request = drawn
    lenient = ChainRequest(references=request.references, pinned=request.pinned)

    assert refs(build_chain(house, lenient)) == wanted(house, request)


@given(houses_and_requests())
def test_no_candidate_stays_that_may_not_be_asked(drawn: tuple[tuple[Resolution, ...], ChainRequest]) -> None:
    house, request = drawn
    for candidate in build_chain(house, request).candidates:
        known = candidate.offering.capabilities
        assert candidate.private or not request.privacy
        assert known is None or request.needs <= known
        assert known is not None or "images" not in request.needs
        assert candidate.circuit_key not in request.without_credentials
        assert (candidate.offering.context_window or 1_000) * 0.9 >= request.estimated_tokens
