"""lint_test: scripts/lint.py finds each thing it promises to find, and leaves good code alone."""
import importlib.util
import pathlib

import pytest

SPEC = importlib.util.spec_from_file_location(
    "lint", pathlib.Path(__file__).resolve().parent.parent / "scripts" / "lint.py")
lint = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(lint)

HEADER = "// x: for y.\n#pragma once\n"


def messages(path, text):
    return [m for _, m in lint.lint_file(path, text)]


def test_good_code_passes():
    assert messages("src/core/x.hpp", HEADER + '#include "store/log.hpp"\n#include <vector>\nint f();\n') == []
    assert messages("src/actors/x.cpp", '#include "troupe.pb.h"\n#include <caf/error.hpp>\n') == []
    assert messages("test/core/x_test.cpp", 'TEST_CASE("a ring without nodes owns nothing") {}\n') == []


@pytest.mark.parametrize("path, line, part", [
    ("src/core/x.cpp", '#include "actors/wire.hpp"', "above it"),
    ("src/base/x.cpp", '#include "codec/uri.hpp"', "above it"),
    ("src/base/x.cpp", '#include "troupe.pb.h"', "above it"),
    ("src/api/s3/x.cpp", '#include "cli/dev.hpp"', "above it"),
    ("src/store/x.cpp", "#include <caf/all.hpp>", "must not include CAF"),
    ("src/core/x.cpp", '#include "ring.hpp"', "from src/ on"),
    ("src/api/http/x.cpp", "auto x = ok ? co_await f() : 0;", "write an if"),
    ("src/core/x.cpp", "auto x = std::rand();", "entropy"),
    ("src/core/x.cpp", "std::random_device d;", "entropy"),
    ("src/core/x.cpp", "auto t = std::chrono::steady_clock::now();", "wall_clock"),
    ("src/actors/x.cpp", "auto t = system_clock::now();", "wall_clock"),
    ("src/store/x.cpp", "auto t = time(nullptr);", "wall_clock"),
    ("src/api/http/x.cpp", "std::this_thread::sleep_for(1ms);", "condition"),
    ("test/api/x_test.cpp", "usleep(10);", "condition"),
    ("test/api/x_test.cpp", 'TEST_CASE("") {', "sentence"),
    ("test/api/x_test.cpp", 'TEST_CASE("uri") {', "sentence"),
    ("src/core/x.cpp", "\tint x;", "tab"),
    ("src/core/x.cpp", "int x; ", "end of the line"),
    ("src/core/x.cpp", "int x; // TODO later", "issue"),
    ("scripts/x.sh", "# FIXME", "issue"),
    ("src/core/utils.cpp", "int x;", "name it after"),
])
def test_each_rule_finds_its_case(path, line, part):
    found = messages(path, line + "\n")
    assert len(found) == 1 and part in found[0], found


def test_time_is_allowed_where_it_enters():
    clock = "auto t = std::chrono::steady_clock::now();\n"
    assert messages("src/base/environment.cpp", clock) == []
    assert messages("src/api/http/sweep.cpp", clock) == []
    assert messages("test/api/x_test.cpp", clock) == []


def test_comments_and_issue_numbers_are_not_problems():
    assert messages("src/core/x.cpp", "int x; // never steady_clock::now() here\n") == []
    assert messages("src/core/x.cpp", "int x; // TODO(#12) later\n") == []


def test_headers_open_with_a_comment_and_guard_themselves():
    assert "open the header" in messages("src/core/x.hpp", "#pragma once\nint f();\n")[0]
    assert "#pragma once" in messages("src/core/x.hpp", "// x: for y.\nint f();\n")[0]
    assert "using namespace" in messages("src/core/x.hpp", HEADER + "using namespace std;\n")[0]


def test_long_files_fail_by_one_line():
    assert messages("src/core/x.cpp", "int x;\n" * lint.LINES_MAX) == []
    assert "own file" in messages("src/core/x.cpp", "int x;\n" * (lint.LINES_MAX + 1))[0]


def test_a_file_ends_with_a_newline():
    assert "newline" in messages("src/core/x.cpp", "int x;")[0]


def test_the_changelog_has_an_unreleased_section():
    assert list(lint.lint_changelog("# Changelog\n\n## Unreleased\n")) == []
    assert list(lint.lint_changelog("# Changelog\n\n## 0.1.0\n")) != []
    assert list(lint.lint_changelog(None)) != []


def test_every_layer_of_the_tree_is_known():
    folders = {p.name for p in (lint.ROOT / "src").iterdir() if p.is_dir()}
    assert folders <= set(lint.LAYERS), "a new folder in src/: give it a place in LAYERS"
