"""docs/SEEDS.md says where each row of the designs is and which test shows it: that all of these are there."""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "SEEDS.md").read_text()
ROWS = {"C": 24, "D": 14, "V": 23, "W": 25, "P": 16}  # P: to 16 the database; the others are S3's
SHORT = {letter: file for file, letter in re.findall(r"(\w+\.py) \((\w)\)", PAGE)}  # of the table of shards


def rows():
    """[(the ids of a row, its text)]"""
    lines = [line for line in PAGE.splitlines() if re.match(r"\| [A-Z]\d", line)]
    return [(set(re.findall(r"\b[A-Z]\d+\b", line.split("|")[1])), line) for line in lines]


def test_every_row_is_there():
    found = set().union(*(ids for ids, _ in rows()))
    wanted = {f"{letter}{n}" for letter, last in ROWS.items() for n in range(6 if letter == "P" else 1, last + 1)}
    assert sorted(wanted - found) == []


def test_what_it_names_is_there():
    missing, last = [], None
    for _, line in rows():
        for file, letter, name in re.findall(r"(?:(test/e2e/\w+\.py|test_\w+\.py)|\b([SFO]))?::(test_\w+\*?)", line):
            last = file or SHORT.get(letter) or last
            last = last if last.startswith("test/") else "test/e2e/" + last
            text = (ROOT / last).read_text() if (ROOT / last).exists() else ""
            if not re.search(rf"^def {name.rstrip('*')}{'' if name.endswith('*') else r'[(]'}", text, re.M):
                missing.append(f"{last}::{name}")
        for path in re.findall(r"(?<![\w/])((?:src|test|examples|config|docs)/[\w./*{},-]+)", line):
            alternatives = re.match(r"(.*)\{(.*)\}(.*)", path)
            for one in [alternatives[1] + a + alternatives[3] for a in alternatives[2].split(",")] if alternatives else [path]:
                one = one.rstrip(".,")
                if not list(ROOT.glob(one)) and not (ROOT / one).exists():
                    missing.append(one)
    assert missing == []
