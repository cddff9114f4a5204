#!/usr/bin/env python3
"""lint.py: the house rules that a machine can check, in well under a second. Standard library only.

Every message says what to do instead. scripts/lint.py checks the whole tree; scripts/lint.py FILE... only those.
Its own test is test/lint_test.py. Formatting is not checked here: scripts/format.sh --check does that.
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINES_MAX = 400

# Bottom to top; a layer includes itself and what stands before it.
LAYERS = ["base", "codec", "store", "core", "volumes", "net", "actors", "api", "roles", "cli", "main"]
CAF_FREE = {"base", "codec", "store", "core", "volumes", "net"}
# Generated from src/codec/wire.
GENERATED = re.compile(r"^\w+(\.grpc)?\.pb\.h$")

CPP = {".cpp", ".hpp"}
TEXT = CPP | {".proto", ".py", ".sh", ".md", ".txt", ".cmake", ".yml", ".yaml", ".json", ".toml"}
BAD_NAMES = {"util", "utils", "common", "misc", "helper", "helpers"}

# What protocol code may not do itself: it is given a clock and entropy, so that a test decides both.
PROTOCOL = re.compile(r"src/(base|codec|store|core|volumes|actors|api/s3|api/objects|api/shards)/")
# The only place below the front doors that asks the kernel for the time and for randomness.
SOURCES_OF_TIME = {"src/base/environment.cpp"}


class word:
    """A pattern that must not occur in code (comments are not code), and where."""

    def __init__(self, pattern, where, instead):
        self.pattern = re.compile(pattern)
        self.where = where
        self.instead = instead


def in_protocol(path):
    return bool(PROTOCOL.match(path)) and path not in SOURCES_OF_TIME


def in_cpp(path):
    return path.startswith(("src/", "test/", "bench/"))


WORDS = [
    word(r"\?[^;:\"']*\bco_await\b", in_cpp,
         "GCC 12 destroys temporaries of a co_await inside ?: twice: write an if, and name the value"),
    word(r"\bs?rand\s*\(", in_cpp, "take an entropy& (base/environment.hpp), or a seeded std::mt19937_64 in a test"),
    word(r"\brandom_device\b|\bgetrandom\s*\(", lambda p: p.startswith("src/") and p not in SOURCES_OF_TIME,
         "take an entropy& (base/environment.hpp)"),
    word(r"\b(system|steady|high_resolution)_clock::now\b|\bgettimeofday\s*\(|\bclock_gettime\s*\(|\btime\((nullptr|NULL|0)\)",
         in_protocol, "take a wall_clock&, or self->clock() in an actor, or a time point as an argument"),
    word(r"\bsleep_(for|until)\b|\busleep\s*\(|\bnanosleep\s*\(|\bsleep\s*\(\d", in_cpp,
         "wait for the condition itself: a future, a condition variable, a message, the virtual clock"),
]


def without_comment(line):
    return line.split("//", 1)[0]


def layer_of(path):
    parts = path.split("/")
    if parts[0] != "src":
        return None
    name = "main" if parts[1] == "main.cpp" else parts[1]
    return name if name in LAYERS else None


def lint_includes(path, lines):
    layer = layer_of(path)
    if layer is None:
        return
    for number, line in enumerate(lines, 1):
        found = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if not found:
            continue
        target = found.group(2)
        if layer in CAF_FREE and target.startswith("caf/"):
            yield number, f"{layer} must not include CAF ({target}): move what needs it up into actors"
        if found.group(1) != '"':
            continue
        above = "codec" if GENERATED.search(target) else target.split("/")[0]
        if above not in LAYERS:
            yield number, f'"{target}": name a project header from src/ on ("core/stripe.hpp"); <> is for other libraries'
        elif LAYERS.index(above) > LAYERS.index(layer):
            yield number, (f"{layer} includes {target}, which is above it ({' < '.join(LAYERS)}): "
                           f"move the shared part down, or turn it into an interface that {layer} owns")


def lint_header(path, lines):
    if not path.endswith(".hpp"):
        return
    if not lines or not lines[0].startswith("//"):
        yield 1, "open the header with 3 to 6 comment lines: what it is responsible for, and what it is not"
    if not any(line.strip() == "#pragma once" for line in lines):
        yield 1, "add #pragma once after the opening comment"
    for number, line in enumerate(lines, 1):
        if re.search(r"\busing\s+namespace\b", without_comment(line)):
            yield number, "no `using namespace` in a header: it reaches everybody; write the names, or use it in a .cpp"


def lint_cpp(path, lines):
    for number, line in enumerate(lines, 1):
        code = without_comment(line)
        for w in WORDS:
            found = w.pattern.search(code)
            if found and w.where(path):
                yield number, f"no {found.group(0).strip()} here: {w.instead}"
        title = re.search(r'\b(?:TEST_CASE|SCENARIO|TEST_CASE_METHOD\([^,]*,)\s*\(?\s*"([^"]*)"', line)
        if title and len(title.group(1).split()) < 3:
            yield number, f'test title "{title.group(1)}": write a sentence that is true when the test passes'
    yield from lint_includes(path, lines)
    yield from lint_header(path, lines)


def lint_text(path, lines):
    suffix = pathlib.PurePosixPath(path).suffix
    stem = pathlib.PurePosixPath(path).stem
    if suffix in CPP and stem in BAD_NAMES:
        yield 1, f"a file named {stem} collects everything: name it after the one thing it holds"
    if suffix in CPP | {".py", ".sh"} and len(lines) > LINES_MAX:
        yield LINES_MAX, (f"{len(lines)} lines, over {LINES_MAX}: find the second thing this file does and give it "
                          "its own file, named after it")
    for number, line in enumerate(lines, 1):
        if "\t" in line:
            yield number, "a tab: indent with spaces (2 in C++, 4 in Python)"
        if line != line.rstrip():
            yield number, "spaces at the end of the line: remove them"
        note = re.search(r"\b(TODO|FIXME)\b(?!\s*\(#\d+\))", line)
        if note and path not in ("scripts/lint.py", "test/lint_test.py", "CONTRIBUTING.md"):
            yield number, f"{note.group(1)} without an issue: open one and write {note.group(1)}(#123), or do it now"


def lint_file(path, text):
    """Yields (line, message) for one file; `path` is relative to the root, with slashes."""
    lines = text.split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    elif text:
        yield len(lines), "no newline at the end of the file: add one"
    suffix = pathlib.PurePosixPath(path).suffix
    if suffix in CPP:
        yield from lint_cpp(path, lines)
    if suffix in TEXT:
        yield from lint_text(path, lines)


def lint_changelog(text):
    if text is None:
        yield 1, "CHANGELOG.md is missing: add it, with a `## Unreleased` section that says what changed for users"
    elif not re.search(r"^## \[?Unreleased\]?", text, re.M):
        yield 1, "no `## Unreleased` section: add one at the top, changes that users notice go there"


def tracked():
    out = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                         check=True, stdout=subprocess.PIPE).stdout
    return sorted(p.decode() for p in out.split(b"\0") if p)


def main(arguments):
    whole_tree = not arguments
    paths = tracked() if whole_tree else [pathlib.Path(a).resolve().relative_to(ROOT).as_posix() for a in arguments]
    problems = 0
    checked = 0
    for path in paths:
        file = ROOT / path
        if pathlib.PurePosixPath(path).suffix not in TEXT or not file.is_file():
            continue
        checked += 1
        for line, message in lint_file(path, file.read_text(encoding="utf-8")):
            print(f"{path}:{line}: {message}")
            problems += 1
    if whole_tree:
        changelog = ROOT / "CHANGELOG.md"
        for line, message in lint_changelog(changelog.read_text() if changelog.exists() else None):
            print(f"CHANGELOG.md:{line}: {message}")
            problems += 1
    print(f"lint: {checked} files, {problems} problems", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
