#include "core/listing.hpp"

#include "core/tables.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <random>

namespace troupe {
namespace {

using rows = std::map<std::string, std::string>;

// Counts what a page costs.
class map_cursor final : public state::cursor {
public:
  explicit map_cursor(const rows& r) : rows_(r), at_(r.end()) {}
  result<> seek(std::string_view key) override {
    return ++seeks, at_ = rows_.lower_bound(std::string{key}), result<>{};
  }
  result<> next() override { return ++steps, ++at_, result<>{}; }
  bool valid() const override { return at_ != rows_.end(); }
  std::string_view key() const override { return at_->first; }
  std::string_view value() const override { return at_->second; }
  std::size_t seeks = 0, steps = 0;

private:
  const rows& rows_;
  rows::const_iterator at_;
};

struct request {
  std::string prefix = {}, start_after = {}, delimiter = {};
  std::uint32_t limit = 1000;
};

pb::list_request to_message(const request& r) {
  pb::list_request m;
  m.set_prefix(r.prefix);
  m.set_start_after(r.start_after);
  m.set_delimiter(r.delimiter);
  m.set_limit(r.limit);
  return m;
}

pb::list_reply list(const rows& all, const request& r) {
  map_cursor cursor{all};
  auto reply = list_page(cursor, to_message(r));
  REQUIRE(reply.has_value());
  return std::move(*reply);
}

std::vector<std::string> keys(const pb::list_reply& reply) {
  std::vector<std::string> out;
  for (const auto& e : reply.entries())
    out.push_back((e.is_prefix() ? "[" : "") + e.key() + (e.is_prefix() ? "]" : ""));
  return out;
}

// What S3 says, without a thought for speed: roll every row up, drop duplicates, cut.
pb::list_reply naive(const rows& all, const request& r) {
  std::map<std::string, std::pair<std::string, bool>> entries;
  for (const auto& [key, value] : all) {
    if (key.compare(0, r.prefix.size(), r.prefix) != 0) continue;
    auto rest = key.substr(r.prefix.size());
    auto at = r.delimiter.empty() ? std::string::npos : rest.find(r.delimiter);
    if (at == std::string::npos)
      entries[key] = {value, false};
    else
      entries[r.prefix + rest.substr(0, at + r.delimiter.size())] = {"", true};
  }
  // A marker inside a common prefix does not hide what of it comes after the marker.
  pb::list_reply reply;
  for (const auto& [key, entry] : entries) {
    bool visible = key > r.start_after;
    if (!visible && entry.second && key != r.start_after)
      for (const auto& [k, v] : all)
        if (k.compare(0, key.size(), key) == 0 && k > r.start_after) visible = true;
    if (!visible) continue;
    if (static_cast<std::uint32_t>(reply.entries_size()) == r.limit) {
      reply.set_truncated(true);
      break;
    }
    auto& e = *reply.add_entries();
    e.set_key(key);
    e.set_value(entry.first);
    e.set_is_prefix(entry.second);
    reply.set_last(key);
  }
  return reply;
}

rows of(std::initializer_list<const char*> list) {
  rows all;
  for (const auto* k : list) all[k] = std::string{"v"} + k;
  return all;
}

} // namespace

TEST_CASE("a listing gives rows in byte order, with their values") {
  auto all = of({"b", "a", "a/b", "B", "\xc3\xa9", "a b", "a0"});
  auto reply = list(all, {});
  CHECK(keys(reply) == std::vector<std::string>{"B", "a", "a b", "a/b", "a0", "b", "\xc3\xa9"});
  CHECK(reply.entries(1).value() == "va");
  CHECK(!reply.truncated());
  CHECK(reply.last() == "\xc3\xa9");
}

TEST_CASE("a key may stand beside the prefix of the same name") {
  auto all = of({"a", "a/", "a/b", "a/c/d", "a0"});
  CHECK(keys(list(all, {.delimiter = "/"})) == std::vector<std::string>{"a", "[a/]", "a0"});
  CHECK(keys(list(all, {.prefix = "a/", .delimiter = "/"})) == std::vector<std::string>{"a/", "a/b", "[a/c/]"});
}

TEST_CASE("a listing seeks past a common prefix instead of walking it") {
  rows all;
  for (int i = 0; i < 10000; ++i) all["dir/" + std::to_string(i)] = "x";
  all["zzz"] = "last";
  map_cursor cursor{all};
  auto reply = list_page(cursor, to_message({.delimiter = "/"}));
  REQUIRE(reply.has_value());
  CHECK(keys(*reply) == std::vector<std::string>{"[dir/]", "zzz"});
  CHECK(cursor.seeks + cursor.steps <= 3);
}

TEST_CASE("truncated is true only when there is one more entry") {
  auto all = of({"a", "b/1", "b/2", "c"});
  CHECK(!list(all, {.delimiter = "/", .limit = 3}).truncated());
  CHECK(list(all, {.delimiter = "/", .limit = 2}).truncated());
  CHECK(!list(all, {.limit = 4}).truncated());
  CHECK(list(all, {.limit = 3}).truncated());
  CHECK(!list(all, {.prefix = "b", .limit = 2}).truncated()); // "c" is not of this listing
  all.erase("c");
  CHECK(!list(all, {.delimiter = "/", .limit = 2}).truncated()); // b/2 is inside the last prefix
}

TEST_CASE("start_after is exclusive, and a rolled-up prefix there skips all it covers") {
  auto all = of({"a", "b/1", "b/2", "b/3/x", "c"});
  CHECK(keys(list(all, {.start_after = "a"})) == std::vector<std::string>{"b/1", "b/2", "b/3/x", "c"});
  CHECK(keys(list(all, {.start_after = "b/", .delimiter = "/"})) == std::vector<std::string>{"c"});
  CHECK(keys(list(all, {.start_after = "b/1", .delimiter = "/"})) == std::vector<std::string>{"[b/]", "c"});
  CHECK(keys(list(all, {.start_after = "b/3/x", .delimiter = "/"})) == std::vector<std::string>{"c"});
  CHECK(keys(list(all, {.prefix = "b/", .start_after = "b/3/", .delimiter = "/"})).empty());
  CHECK(keys(list(all, {.start_after = "b/"})) == std::vector<std::string>{"b/1", "b/2", "b/3/x", "c"}); // no delimiter
  CHECK(keys(list(all, {.prefix = "b/", .start_after = "a"})) == std::vector<std::string>{"b/1", "b/2", "b/3/x"});
  CHECK(keys(list(all, {.prefix = "b/", .start_after = "c"})).empty());
  CHECK(keys(list(all, {.prefix = "b/", .start_after = "b"})) == std::vector<std::string>{"b/1", "b/2", "b/3/x"});
}

TEST_CASE("the end of a prefix of 0xff bytes is the end of everything") {
  CHECK(end_of_prefix("a/") == "a0");
  CHECK(end_of_prefix("a\xff") == "b");
  CHECK(end_of_prefix("a\xff\xff") == "b");
  CHECK(!end_of_prefix("\xff\xff"));
  CHECK(!end_of_prefix(""));
  rows all{{"\xff\xff\x01", "1"}, {"\xff\xff\x02", "2"}};
  CHECK(keys(list(all, {.delimiter = "\xff\xff"})) == std::vector<std::string>{"[\xff\xff]"});
}

TEST_CASE("a listing tells keys of 1024 bytes apart that differ only at the end") {
  rows all;
  std::string base(1023, 'k');
  for (char c = 'a'; c <= 'z'; ++c) all[tables::object("bucket", base + c)] = std::string(1, c);
  std::string collected, after;
  auto prefix = tables::object("bucket", "");
  for (bool more = true; more;) {
    auto reply = list(all, {.prefix = prefix, .start_after = after, .limit = 5});
    for (const auto& e : reply.entries()) collected += e.value();
    after = reply.last();
    more = reply.truncated();
  }
  CHECK(collected == "abcdefghijklmnopqrstuvwxyz");
}

TEST_CASE("the random bytes of an upload's id are never taken for a delimiter") {
  rows all;
  data_id id;
  id.raw.fill(std::byte{'/'});
  all[tables::upload("bucket", "plain", id)] = "1";
  all[tables::upload("bucket", "dir/x", id)] = "2";
  auto reply = list(all, {.prefix = tables::uploads_of("bucket"), .delimiter = "/"});
  REQUIRE(reply.entries_size() == 2);
  CHECK(reply.entries(0).is_prefix());
  CHECK(!reply.entries(1).is_prefix());
}

TEST_CASE("a reply is bounded in bytes, and the next page goes on where it ended") {
  rows all;
  for (int i = 0; i < 20; ++i) all["k" + std::to_string(100 + i)] = std::string(std::size_t{1} << 20, 'v');
  std::string after;
  std::size_t entries = 0, pages = 0;
  for (bool more = true; more; ++pages) {
    auto reply = list(all, {.start_after = after});
    CHECK(reply.ByteSizeLong() <= listing_bytes_max + (std::size_t{1} << 16));
    entries += static_cast<std::size_t>(reply.entries_size());
    more = reply.truncated();
    after = reply.last();
  }
  CHECK(entries == 20);
  CHECK(pages == 3);
  rows giant{{"a", std::string(listing_bytes_max + 1, 'v')}, {"b", "v"}};
  CHECK(keys(list(giant, {})) == std::vector<std::string>{"a"}); // one row that is larger than the bound still comes
}

TEST_CASE("a limit outside its range is refused") {
  rows all;
  map_cursor cursor{all};
  CHECK(list_page(cursor, to_message({.limit = 0})).error().code == ec::bad_argument);
  CHECK(list_page(cursor, to_message({.limit = listing_entries_max + 1})).error().code == ec::bad_argument);
}

TEST_CASE("a listing equals the naive one, whole and page by page, for random rows and requests") {
  auto seed = GENERATE(range(1u, 41u));
  CAPTURE(seed);
  std::mt19937_64 random{seed};
  auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  const std::vector<std::string> alphabet{"a", "b", "/", "//", "-", "--", "\xc3\xa9", "\xff", "\xff\xff"};
  auto word = [&](std::size_t longest) {
    std::string s;
    for (auto n = below(longest + 1); n > 0; --n) s += alphabet[below(alphabet.size())];
    return s;
  };
  rows all;
  for (auto n = below(60); n > 0; --n)
    if (auto k = word(6); !k.empty()) all[k] = word(2);
  for (int i = 0; i < 200; ++i) {
    request r{.prefix = below(2) ? word(2) : "", .start_after = below(2) ? word(4) : "", .delimiter = {}, .limit = 0};
    if (below(4) != 0) r.delimiter = alphabet[2 + below(alphabet.size() - 2)];
    if (below(3) == 0 && !all.empty())
      r.start_after = std::next(all.begin(), static_cast<long>(below(all.size())))->first;
    r.limit = static_cast<std::uint32_t>(1 + below(8));
    CAPTURE(r.prefix, r.start_after, r.delimiter, r.limit);
    auto expected = naive(all, r), got = list(all, r);
    REQUIRE(got.SerializeAsString() == expected.SerializeAsString());
    // page by page: nothing twice, nothing missing
    auto whole = r;
    whole.limit = listing_entries_max;
    auto once = keys(list(all, whole));
    std::vector<std::string> paged = keys(got);
    while (got.truncated()) {
      r.start_after = got.last();
      got = list(all, r);
      for (auto& k : keys(got)) paged.push_back(k);
    }
    REQUIRE(paged == once);
  }
}

} // namespace troupe
