"""Languages told apart by the real model: what is in another one is noticed, what is in none holds nothing against anybody."""

from __future__ import annotations

import pytest

from llmesc.engine.languages import identifier, identify
from llmesc.escalation.checks.language import speaks_otherwise
from llmesc.escalation.errors import MissingPackage, UnknownName
from llmesc.escalation.language import NAMES

RAFT = {
    "en": "Raft is a consensus algorithm that keeps a replicated log in agreement across all the servers of a cluster.",
    "de": "Raft ist ein Konsensalgorithmus, der ein repliziertes Protokoll auf allen Rechnern eines Verbunds gleich hält.",
    "fr": "Raft est un algorithme de consensus qui maintient un journal répliqué identique sur tous les serveurs d'un groupe.",
    "es": "Raft es un algoritmo de consenso que mantiene un registro replicado de acuerdo en todos los servidores del grupo.",
    "it": "Raft è un algoritmo di consenso che mantiene un registro replicato identico su tutti i server di un gruppo.",
    "pt": "Raft é um algoritmo de consenso que mantém um registo replicado igual em todos os servidores de um grupo.",
    "nl": "Raft is een consensusalgoritme dat een gerepliceerd logboek op alle servers van een cluster gelijk houdt.",
    "pl": "Raft to algorytm konsensusu, który utrzymuje zgodny replikowany dziennik na wszystkich serwerach klastra.",
    "sv": "Raft är en konsensusalgoritm som håller en replikerad logg lika på alla servrar som hör till ett kluster.",
    "tr": "Raft, bir kümedeki bütün sunucularda çoğaltılmış bir günlüğü aynı tutan bir uzlaşma algoritmasıdır.",
    "ru": "Raft — это алгоритм консенсуса, который поддерживает одинаковый журнал на всех серверах кластера.",
    "ja": "Raftは、クラスタ内のすべてのサーバーで複製されたログを一致させるための合意アルゴリズムです。",
    "zh": "Raft是一种共识算法，用于让集群中所有服务器上的复制日志保持一致，并且容易理解。",
    "ar": "رافت هي خوارزمية إجماع تحافظ على سجل متطابق في جميع الخوادم التي تتكون منها المجموعة.",
    "hi": "राफ्ट एक सहमति एल्गोरिदम है जो समूह के सभी सर्वरों पर एक समान लॉग बनाए रखता है।",
}

IN_NO_LANGUAGE = [
    "42",
    "Yes.",
    "Paris.",
    "Albert Einstein, Marie Curie, Niels Bohr, Werner Heisenberg, Erwin Schrödinger, Max Planck, Lise Meitner",
    "Microsoft, Google, Apple, Amazon, Facebook, Netflix, Oracle, IBM, Intel, Samsung, Sony, Nokia, Siemens",
    "def total(numbers):\n    return sum(numbers)\n",
    "```python\nprint('this is some english text inside of a block of code, and it is long enough to tell')\n```",
    "npm install --save-dev typescript eslint prettier\nnpm run build && npm test",
    "| name | meaning |\n| --- | --- |\n| alpha | this is the first letter of the alphabet |",
    "https://example.com/this/is/a/long/path/with/english/words/in/it.html",
    "3.14159 2.71828 1.41421 1.61803",
    "<think>the user wants a number, so I should give only the number and nothing else",
]

MIXED_GERMAN = [
    f"{RAFT['de']}\n\n```python\n# this comment explains in English what the function does with it\nlog.append(x)\n```",
    f'Der Satz lautet: "{RAFT["en"]}" Er erklärt in wenigen Worten, worum es bei diesem Verfahren geht.',
    f"Die Meldung heißt auf Englisch so:\n\n> {RAFT['en']}\n\nSie sagt, dass am Ende immer alle Rechner dasselbe führen wollen.",
    "Nutze `git commit --amend --no-edit`, um den letzten Commit zu ändern, ohne die Nachricht noch einmal zu schreiben.",
]


@pytest.mark.parametrize("wanted", RAFT)
def test_an_answer_in_the_language_asked_for_passes_and_any_other_is_named(wanted: str) -> None:
    for code, text in RAFT.items():
        expected = None if code == wanted else f"it is in {NAMES[code]}, not in {NAMES[wanted]}"
        assert speaks_otherwise(text, wanted, identify) == expected


@pytest.mark.parametrize("text", IN_NO_LANGUAGE)
@pytest.mark.parametrize("wanted", ["de", "ja"])
def test_what_is_in_no_language_holds_nothing_against_anybody(text: str, wanted: str) -> None:
    assert speaks_otherwise(text, wanted, identify) is None


@pytest.mark.parametrize("text", MIXED_GERMAN)
def test_a_mixed_answer_is_judged_by_its_prose(text: str) -> None:
    assert speaks_otherwise(text, "de", identify) is None
    assert speaks_otherwise(text, "ja", identify) is not None


def test_every_language_that_may_be_asked_for_is_known_to_the_model() -> None:
    assert set(NAMES) <= set(identify("any text"))


def test_a_language_that_nobody_knows_is_refused() -> None:
    with pytest.raises(UnknownName, match="no language 'klingon'"):
        identifier("klingon")


def test_without_the_extra_it_is_refused_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmesc.engine.languages.PACKAGE", "no_such_package")

    with pytest.raises(MissingPackage, match="not installed") as raised:
        identifier("de")

    assert raised.value.hint == "pip install 'llmesc[language]'"
