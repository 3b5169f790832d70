"""How bad a vulnerability is by CVSS: base scores of 3.0 and 3.1, and scores of 4.0 (first.org/cvss)."""

import re
from itertools import product
from typing import NamedTuple

from orlop.domain.inside.macro_vectors import SCORES

_VECTOR = re.compile(r"CVSS:(3\.0|3\.1|4\.0)((?:/[A-Za-z]{1,3}:[A-Za-z]{1,5}){1,40})/?", re.ASCII)


class Cvss(NamedTuple):
    """A score of 0.0 to 10.0, its severity, and the version of CVSS that it is of."""

    score: float
    severity: str
    version: str


def cvss(vector: str) -> Cvss | None:
    """The score of a vector; None for what is no vector, or one without all metrics of the base."""
    found = _VECTOR.fullmatch(vector.strip())
    if found is None:
        return None
    metrics = dict(part.split(":") for part in found[2][1:].split("/"))
    score = _four(metrics) if found[1] == "4.0" else _three(metrics, rounded_anew=found[1] == "3.1")
    return None if score is None else Cvss(score, severity_of(score), found[1])


def severity_of(score: float) -> str:
    """The word for a score (3.1, section 5; 4.0, section 6)."""
    if score <= 0:
        return "none"
    return "low" if score < 4 else "medium" if score < 7 else "high" if score < 9 else "critical"


# --- 3.0 and 3.1 --------------------------------------------------------------------------------------------------

#: Weights of metrics (3.1, section 7.4).
_WEIGHTS = {
    "AV": {"N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2},
    "AC": {"L": 0.77, "H": 0.44},
    "PR": {"N": 0.85, "L": 0.62, "H": 0.27},
    "UI": {"N": 0.85, "R": 0.62},
    "S": {"U": 0.0, "C": 1.0},
    "C": {"H": 0.56, "L": 0.22, "N": 0.0},
    "I": {"H": 0.56, "L": 0.22, "N": 0.0},
    "A": {"H": 0.56, "L": 0.22, "N": 0.0},
}
#: Of privileges that are required, where the scope changes.
_CHANGED = {"N": 0.85, "L": 0.68, "H": 0.5}


def _three(metrics: dict[str, str], *, rounded_anew: bool) -> float | None:
    """Section 7.1."""
    try:
        weight = {name: values[metrics[name]] for name, values in _WEIGHTS.items()}
    except KeyError:
        return None
    changed = bool(weight["S"])
    privileges = _CHANGED[metrics["PR"]] if changed else weight["PR"]
    base = 1 - (1 - weight["C"]) * (1 - weight["I"]) * (1 - weight["A"])
    impact = 7.52 * (base - 0.029) - 3.25 * (base - 0.02) ** 15 if changed else 6.42 * base
    if impact <= 0:
        return 0.0
    exploitability = 8.22 * weight["AV"] * weight["AC"] * privileges * weight["UI"]
    total = min(1.08 * (impact + exploitability) if changed else impact + exploitability, 10.0)
    return _up(total) if rounded_anew else -(-total * 10 // 1) / 10


def _up(value: float) -> float:
    """The next tenth that is not less, whatever floating point made of it (3.1, appendix A)."""
    exact = round(value * 100_000)
    return exact / 100_000 if exact % 10_000 == 0 else (exact // 10_000 + 1) / 10


# --- 4.0 ----------------------------------------------------------------------------------------------------------

#: Values of each metric, the worst first: a step between them is one of distance (4.0, section 8.2).
_LEVELS = {
    "AV": "NALP",
    "PR": "NLH",
    "UI": "NPA",
    "AC": "LH",
    "AT": "NP",
    "VC": "HLN",
    "VI": "HLN",
    "VA": "HLN",
    "SC": "SHLN",
    "SI": "SHLN",
    "SA": "SHLN",
    "CR": "HML",
    "IR": "HML",
    "AR": "HML",
    "E": "APU",
}
#: What is meant where a vector says nothing: the worst.
_UNSAID = {"E": "A", "CR": "H", "IR": "H", "AR": "H"}
_IMPACTS = ("VC", "VI", "VA", "SC", "SI", "SA")

_ONE, _TWO, _THREE, _FOUR = ("AV", "PR", "UI"), ("AC", "AT"), ("VC", "VI", "VA", "CR", "IR", "AR"), ("SC", "SI", "SA")
#: The worst vectors of each digit of a macro vector; the third and the sixth are one (4.0, tables 24 to 29).
_WORST: dict[tuple[str, ...], dict[str, tuple[str, ...]]] = {
    _ONE: {"0": ("NNN",), "1": ("ANN", "NLN", "NNP"), "2": ("PNN", "ALP")},
    _TWO: {"0": ("LN",), "1": ("HN", "LP")},
    _THREE: {
        "00": ("HHHHHH",),
        "01": ("HHLMMH", "HHHMMM"),
        "10": ("LHHHHH", "HLHHHH"),
        "11": ("LHLHMH", "LHHHMM", "HLHMHM", "HLLMHH", "LLHHHM"),
        "21": ("LLLHHH",),
    },
    _FOUR: {"0": ("HSS",), "1": ("HHH",), "2": ("LLL",)},
}
#: How many steps of distance a digit spans, and a step behind it.
_SPAN: dict[tuple[str, ...], dict[str, int]] = {
    _ONE: {"0": 1, "1": 4, "2": 5},
    _TWO: {"0": 1, "1": 2},
    _THREE: {"00": 7, "01": 6, "10": 8, "11": 8, "21": 10},
    _FOUR: {"0": 6, "1": 5, "2": 4},
}


def _four(metrics: dict[str, str]) -> float | None:
    """Section 8.2: the score of the macro vector, less how far the vector is from its worst."""
    said = {name: _effective(metrics, name) for name in _LEVELS}
    if any(not value or value not in _LEVELS[name] for name, value in said.items()):
        return None
    if all(said[name] == "N" for name in _IMPACTS):
        return 0.0
    macro = _macro(said)
    score = SCORES[macro]
    distances = _distances(said, macro)
    steps = []
    for names, lower in _lower(macro).items():
        below = [SCORES[each] for each in lower if each in SCORES]
        if not below:
            continue
        share = distances[names] / _SPAN[names][_digits(macro, names)] if names in distances else 0.0
        steps.append((score - max(below)) * share)
    mean = sum(steps) / len(steps) if steps else 0.0
    return int((min(10.0, max(0.0, score - mean)) + 1e-6) * 10 + 0.5) / 10


def _effective(metrics: dict[str, str], name: str) -> str:
    """What whoever uses it has modified, else what it says, else the worst."""
    for each in (f"M{name}", name):
        value = metrics.get(each, "X")
        if value != "X":
            return value
    return _UNSAID.get(name, "")


def _macro(said: dict[str, str]) -> str:
    """The macro vector (4.0, tables 24 to 29)."""
    open_ways = [said[name] == "N" for name in _ONE]
    one = 0 if all(open_ways) else 1 if any(open_ways) and said["AV"] != "P" else 2
    two = 0 if said["AC"] == "L" and said["AT"] == "N" else 1
    high = [said[name] == "H" for name in ("VC", "VI", "VA")]
    three = 0 if high[0] and high[1] else 1 if any(high) else 2
    after = [said[name] for name in _FOUR]
    four = 0 if "S" in after[1:] else 1 if "H" in after else 2
    five = "APU".index(said["E"])
    six = 0 if any(said[f"{each}R"] == "H" == said[f"V{each}"] for each in "CIA") else 1
    return f"{one}{two}{three}{four}{five}{six}"


def _digits(macro: str, names: tuple[str, ...]) -> str:
    if names == _THREE:
        return macro[2] + macro[5]
    return macro[(_ONE, _TWO, _THREE, _FOUR).index(names)]


def _distances(said: dict[str, str], macro: str) -> dict[tuple[str, ...], int]:
    """Steps from the worst vector of the macro vector that is as bad in every metric."""
    parts = {names: _WORST[names][_digits(macro, names)] for names in _WORST}
    for worst in product(*parts.values()):
        steps = {
            names: [
                _LEVELS[name].index(said[name]) - _LEVELS[name].index(value)
                for name, value in zip(names, values, strict=True)
            ]
            for names, values in zip(parts, worst, strict=True)
        }
        if all(step >= 0 for each in steps.values() for step in each):
            return {names: sum(each) for names, each in steps.items()}
    return {}


def _lower(macro: str) -> dict[tuple[str, ...], tuple[str, ...]]:
    """The macro vectors that are one step less bad in a digit; the third and the sixth are one."""
    digits = [int(each) for each in macro]

    def stepped(*places: int) -> str:
        return "".join(str(digit + (place in places)) for place, digit in enumerate(digits))

    match digits[2], digits[5]:
        case 0, 0:
            both: tuple[str, ...] = (stepped(5), stepped(2))
        case 1, 0:
            both = (stepped(5),)
        case 2, 1:
            both = (stepped(2, 5),)
        case _:
            both = (stepped(2),)
    return {
        _ONE: (stepped(0),),
        _TWO: (stepped(1),),
        _THREE: both,
        _FOUR: (stepped(3),),
        ("E",): (stepped(4),),
    }
