"""What the light dataclass makes cannot be told from what the standard library's makes, by who uses it as it is used here."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
import threading
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from llmesc.escalation import light_dataclass
from llmesc.escalation.quick import quick

# For mypy it is the standard one, so the tests take it as what it is at run time: any decorator.
light: Callable[..., Any] = light_dataclass.dataclass
standard: Callable[..., Any] = dataclasses.dataclass


def family(dataclass: Callable[..., Any], *, frozen: bool, slots: bool = True) -> dict[str, Any]:
    """Classes with all that is made use of, made by `dataclass`."""

    @dataclass(frozen=frozen, slots=slots)
    class Point:
        """Positions, a default, something in common to all."""

        x: int
        y: float = 2.0
        unit: ClassVar[str] = "m"

    @dataclass(frozen=frozen, slots=slots)
    class Bare:
        """Nothing in it."""

    @dataclass(frozen=frozen, slots=slots, kw_only=True)
    class Event:
        """Only by name; a default made anew each time."""

        run: str
        seen: dict[str, int] = dataclasses.field(default_factory=dict)

    @dataclass(frozen=frozen, slots=slots, kw_only=True)
    class Failed(Event):
        """Takes over fields; one is not shown, one does not count when compared."""

        type: str = "failed"
        key: str = dataclasses.field(default="", repr=False)
        note: str = dataclasses.field(default="", compare=False)

    @dataclass(frozen=frozen, slots=slots)
    class Checked:
        """Looks at what it was given; fills in what nobody gives."""

        low: int
        high: int
        made: list[int] = dataclasses.field(default_factory=list, init=False)
        state: str = dataclasses.field(default="new", init=False)

        def __post_init__(self) -> None:
            if self.low > self.high:
                raise ValueError("low is above high")

    @dataclass(frozen=frozen, slots=slots, repr=False)
    class Quiet:
        """Speaks for itself."""

        secret: str

        def __repr__(self) -> str:
            return "Quiet(***)"

    return {name: cls for name, cls in locals().items() if isinstance(cls, type)}


CASES: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("Point", (1,), {}),
    ("Point", (1, 3.5), {}),
    ("Point", (), {"y": 1.0, "x": 2}),
    ("Point", (float("nan"),), {}),
    ("Bare", (), {}),
    ("Event", (), {"run": "a"}),
    ("Event", (), {"run": "a", "seen": {"b": 1}}),
    ("Failed", (), {"run": "a", "key": "k", "note": "n"}),
    ("Failed", (), {"run": "a", "type": "other"}),
    ("Checked", (1, 2), {}),
    ("Quiet", ("s",), {}),
    # and what cannot be made
    ("Point", (), {}),
    ("Point", (1, 2.0, 3), {}),
    ("Point", (1,), {"z": 1}),
    ("Bare", (1,), {}),
    ("Event", ("a",), {}),
    ("Checked", (2, 1), {}),
    ("Checked", (1, 2), {"made": [1]}),
]


def told(do: Callable[[], Any]) -> Any:
    """What comes of it, or what is said against it."""
    try:
        return do()
    except Exception as error:
        return type(error), str(error)


def traits(
    cls: type[Any], args: tuple[Any, ...], kwargs: dict[str, Any], make: Callable[..., Any] | None = None
) -> dict[str, Any]:
    """All that can be seen of an instance, which `make` made in place of the class itself."""
    one = told(lambda: (make or cls)(*args, **kwargs))
    if isinstance(one, tuple):
        return {"error": one}
    twin = cls(*args, **kwargs)
    fields = [field.name for field in dataclasses.fields(cls)]
    others = [{}, {"note": "other"}, {"run": "other"}, {"x": 7}, {"state": "old"}, {"none": 1}]
    return {
        "repr": repr(one),
        "equal": (one == twin, one != twin, one == 1, one == args, one.__eq__(1)),
        "hash": told(lambda: hash(one) == hash(twin)),
        "asdict": dataclasses.asdict(one),
        "replaced": [told(lambda change=change: repr(dataclasses.replace(one, **change))) for change in others],
        "still equal": [told(lambda change=change: dataclasses.replace(one, **change) == one) for change in others],
        "set": [told(lambda name=name: setattr(one, name, 1)) for name in fields],
        "deleted": [told(lambda name=name: delattr(one, name)) for name in fields],
        "after": told(lambda: repr(one)),
        "copied": (repr(copy.copy(twin)), repr(copy.deepcopy(twin)), copy.deepcopy(twin) == twin),
        "signature": str(inspect.signature(cls)),
        "match": cls.__match_args__,
        "no dict": hasattr(one, "__dict__"),
        "own hash": cls.__hash__ is None,
    }


@pytest.mark.parametrize("slots", [True, False], ids=["slots", "dictionary"])
@pytest.mark.parametrize("frozen", [True, False], ids=["frozen", "mutable"])
@pytest.mark.parametrize(("name", "args", "kwargs"), CASES, ids=str)
def test_it_behaves_as_the_standard_one(
    name: str, args: tuple[Any, ...], kwargs: dict[str, Any], frozen: bool, slots: bool
) -> None:
    ours, theirs = (family(dataclass, frozen=frozen, slots=slots)[name] for dataclass in (light, standard))

    assert traits(ours, args, kwargs) == traits(theirs, args, kwargs)


@pytest.mark.parametrize(("name", "args", "kwargs"), CASES, ids=str)
def test_what_is_made_quickly_is_nothing_else(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    cls = family(light, frozen=True)[name]

    quickly, usually = traits(cls, args, kwargs, quick(cls)), traits(cls, args, kwargs)

    if "error" not in usually:
        assert quickly == usually
        assert type(quick(cls)(*args, **kwargs)) is cls
    else:
        assert quickly["error"][0] is usually["error"][0]


@pytest.mark.parametrize("name", ["Point", "Bare", "Event", "Failed", "Checked", "Quiet"])
def test_its_fields_are_those_of_the_standard_one(name: str) -> None:
    ours, theirs = (family(dataclass, frozen=True)[name] for dataclass in (light, standard))

    assert dataclasses.is_dataclass(ours)
    assert list(map(repr, dataclasses.fields(ours))) == list(map(repr, dataclasses.fields(theirs)))
    assert ours.__slots__ == theirs.__slots__
    assert (ours.__qualname__, ours.__module__, ours.__doc__) == (theirs.__qualname__, theirs.__module__, theirs.__doc__)


def test_each_instance_has_a_default_of_its_own() -> None:
    event = family(light, frozen=True)["Event"]

    assert event(run="a").seen is not event(run="b").seen


@light(frozen=True, slots=True)
class Kept:
    """One that pickle finds."""

    where: str
    much: tuple[int, ...] = ()


def test_it_survives_a_pickle_and_is_frozen_after_it() -> None:
    again = pickle.loads(pickle.dumps(Kept("here", (1, 2))))

    assert again == Kept("here", (1, 2))
    with pytest.raises(dataclasses.FrozenInstanceError):
        again.where = "there"


def test_it_matches_patterns() -> None:
    match Kept("here", (3,)):
        case Kept(where, (one,)):
            assert (where, one) == ("here", 3)
        case _:
            pytest.fail("a pattern of its fields does not match it")


def test_nothing_is_written_before_the_first_instance_and_only_once_after() -> None:
    cls = family(light, frozen=True)["Point"]

    assert not inspect.isfunction(vars(cls)["__init__"])
    cls(1)
    written = vars(cls)["__init__"]
    cls(2)
    assert inspect.isfunction(written) and vars(cls)["__init__"] is written


def test_threads_may_make_the_first_ones_together() -> None:
    cls, made, gate = family(light, frozen=True)["Event"], [], threading.Barrier(8)

    def make(number: int) -> None:
        gate.wait()
        made.append(cls(run=str(number)))

    threads = [threading.Thread(target=make, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(event.run for event in made) == [str(number) for number in range(8)]
