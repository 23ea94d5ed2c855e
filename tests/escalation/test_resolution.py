"""The keys of a candidate: made once, and no part of what it is."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, replace

import pytest

from llmesc.escalation.codec import encode
from llmesc.escalation.resolution import CircuitKey, ModelKey, Offering, Resolution, Tier


def candidate() -> Resolution:
    return Resolution(tier=Tier.CLOUD, provider="p", instance="i", model="m", offering=Offering(offering_id="p@i/m"))


KEYS = {"circuit_key": CircuitKey("p", "i"), "model_key": ModelKey("p", "i", "m"), "ref": "p@i/m"}


def test_its_keys_are_made_once() -> None:
    one = candidate()
    assert {name: getattr(one, name) for name in KEYS} == KEYS
    assert all(getattr(one, name) is getattr(one, name) for name in KEYS)


def test_one_whose_keys_were_looked_at_is_no_other() -> None:
    looked_at, fresh = candidate(), candidate()
    for name in KEYS:
        getattr(looked_at, name)
    assert looked_at == fresh
    assert repr(looked_at) == repr(fresh)
    assert encode(looked_at) == encode(fresh)
    assert pickle.loads(pickle.dumps(looked_at)) == copy.deepcopy(looked_at) == fresh


def test_a_changed_copy_has_its_own_keys() -> None:
    one = candidate()
    assert one.ref == "p@i/m"
    assert replace(one, model="n").ref == "p@i/n"


@pytest.mark.parametrize("name", KEYS)
def test_nobody_sets_a_key(name: str) -> None:
    one = candidate()
    with pytest.raises(FrozenInstanceError):
        setattr(one, name, KEYS[name])
    assert getattr(one, name) == KEYS[name]
