// What an object store must keep to, without HTTP, sockets or disks: content first, then one batch makes it visible.

#include "store_fixture.hpp"

#include "codec/digest.hpp"
#include "codec/text.hpp"
#include "core/tables.hpp"

#include <functional>

using namespace troupe;
using namespace troupe::test;

namespace {

constexpr std::size_t big = 1'000'000; // six stripes of RS(3,2)

std::string garbage_rows() { return std::string(1, tables::garbage); }

} // namespace

TEST_CASE_METHOD(store_fixture, "small content lives beside its record, larger content in pieces on the nodes") {
  auto small = content_of(1, 8192), copied = content_of(2, 8193), spread = content_of(3, big);
  REQUIRE(put("small", small));
  CHECK(cluster.pieces_stored() == 0);
  REQUIRE(put("copied", copied));
  CHECK(cluster.pieces_stored() == 3);
  auto outcome = put("spread", spread);
  REQUIRE(outcome);
  CHECK(outcome->etag == hex_encode(bytes_view{md5(as_bytes(spread))}));
  CHECK(cluster.pieces_stored() == 3 + 6 * 5);
  CHECK(get("small").value() == small);
  CHECK(get("copied").value() == copied);
  CHECK(get("spread").value() == spread);
  auto found = run(store.get("bkt", "spread", true)).value();
  for (auto [offset, length] : {std::pair{0u, 1u}, {65'535u, 2u}, {196'607u, 70'000u}, {999'999u, 1u}})
    CHECK(read(found, offset, length).value() == spread.substr(offset, length));
  REQUIRE(put("empty", ""));
  CHECK(get("empty").value().empty());
  CHECK(get("none").error().code == ec::no_such_key);
}

TEST_CASE_METHOD(
  store_fixture, "an overwrite or a delete leaves the old pieces to the healer, and nothing when inlined") {
  REQUIRE(put("k", content_of(1, big)));
  auto old = run(store.get("bkt", "k", true)).value();
  REQUIRE(put("k", "small"));
  CHECK(rows_below(garbage_rows()) == 1);
  CHECK(read(old, 0, big).value() == content_of(1, big)); // who reads the old one reads it to its end
  REQUIRE(put("k", "smaller"));
  REQUIRE(run(store.remove("bkt", "k", {}, {})));
  CHECK(rows_below(garbage_rows()) == 1);
  CHECK(rows_below(std::string(1, tables::inlines)) == 0);
  REQUIRE(run(store.delete_bucket("bkt")));
}

TEST_CASE_METHOD(store_fixture, "content that is refused is taken back, and the old object stays") {
  REQUIRE(put("k", "old"));
  auto body = content_of(5, big);
  SECTION("wrong Content-MD5") {
    auto what = object("k", big);
    what.expected.md5 = std::string(16, 'x');
    CHECK(put(what, body).error().code == ec::bad_digest);
  }
  SECTION("wrong checksum, known at the end") {
    auto what = object("k", big);
    what.checksums.add(checksum_kind::crc32);
    what.expected.checksums = []() -> result<checksum_values> {
      checksum_values v;
      v.set(checksum_kind::crc32, "abcd");
      return v;
    };
    CHECK(put(what, body).error().code == ec::bad_digest);
  }
  SECTION("a body that is too short") { CHECK(put(object("k", big + 1), body).error().code == ec::incomplete_body); }
  SECTION("a body that is too long") { CHECK(put(object("k", big - 1), body).error().code == ec::invalid_request); }
  SECTION("a small body that is too short") {
    CHECK(put(object("k", 9), "12345678").error().code == ec::incomplete_body);
  }
  SECTION("no bucket") {
    auto what = object("k", big);
    what.bucket = "other";
    CHECK(put(what, body).error().code == ec::no_such_bucket);
  }
  SECTION("two nodes that fail") {
    for (auto name : {"node-1", "node-3"}) cluster.node(name).fail_all(ec::io_error);
    CHECK(put(object("k", big), body).error().code == ec::unavailable);
    for (auto name : {"node-1", "node-3"}) cluster.node(name).heal();
  }
  SECTION("more than the memory budget") {
    auto hold = run(memory.acquire(memory_bytes, http::steady::now())); // others have it all
    text_source source{body};
    auto waiting = start(store.put(object("k", big), source));
    CHECK(!waiting->has_value()); // it waits its turn
    hold->release();
    CHECK(get("k").value().size() <= big); // lets things happen
    REQUIRE(waiting->has_value());
    CHECK((*waiting)->has_value());
    REQUIRE(put("k", "old"));
    return;
  }
  CHECK(get("k").value() == "old");
  CHECK(cluster.pieces_stored() == 0);
}

TEST_CASE_METHOD(store_fixture, "of two conditional writes at once one wins") {
  put_object create = object("k", 3);
  create.conditions.if_none_match = "*";
  text_source one{"one"}, two{"two"};
  // Both have looked before either commits: nothing runs until settle().
  auto a = std::make_shared<std::optional<result<put_outcome>>>(), b = a;
  b = std::make_shared<std::optional<result<put_outcome>>>();
  auto both = [&](put_object what, text_source& s, auto out) -> http::task<void> {
    out->emplace(co_await store.put(std::move(what), s));
  };
  boost::asio::co_spawn(io.context(), both(create, one, a), boost::asio::detached);
  boost::asio::co_spawn(io.context(), both(create, two, b), boost::asio::detached);
  auto present = get("k");
  REQUIRE(a->has_value());
  REQUIRE(b->has_value());
  CHECK((*a)->has_value() != (*b)->has_value());
  auto& lost = (*a)->has_value() ? *b : *a;
  CHECK((*lost).error().code == ec::precondition_failed);
  CHECK(get("k").value() == ((*a)->has_value() ? "one" : "two"));

  put_object replace = object("k", 5);
  replace.conditions.if_match = "no such etag";
  CHECK(put(replace, "three").error().code == ec::precondition_failed);
  replace.conditions.if_match = (*a)->has_value() ? (*a)->value().etag : (*b)->value().etag;
  CHECK(put(replace, "three"));
  replace.key = "none";
  CHECK(put(replace, "three").error().code == ec::no_such_key);
}

TEST_CASE_METHOD(store_fixture, "parts become one object at once, and what was not chosen is garbage") {
  constexpr std::size_t part = 5 << 20;
  auto first = content_of(1, part), second = content_of(2, 100'000), third = std::string{"a small part"};
  auto id = run(store.create_upload("bkt", "k", {})).value();
  std::vector<part_choice> chosen;
  for (auto& [number, body] : {std::pair{1u, first}, {2u, second}, {3u, third}}) {
    text_source source{body};
    auto done = run(store.put_part(object("k", body.size()), id, number, source));
    REQUIRE(done);
    if (number != 2) chosen.push_back({number, done->etag, {}});
  }
  CHECK(get("k").error().code == ec::no_such_key);
  auto refused = chosen;
  refused[1].etag = refused[0].etag;
  CHECK(run(store.complete_upload("bkt", "k", id, refused, {}, {})).error().code == ec::invalid_part);
  auto done = run(store.complete_upload("bkt", "k", id, chosen, {}, {}));
  REQUIRE(done);
  CHECK(done->size == part + third.size());
  CHECK(done->etag.ends_with("-2"));
  CHECK(get("k").value() == first + third);
  auto found = run(store.get("bkt", "k", true)).value();
  CHECK(read(found, part - 2, 4).value() == first.substr(part - 2) + "a ");
  CHECK(rows_below(garbage_rows()) == 1); // part 2
  CHECK(run(store.upload("bkt", "k", id)).error().code == ec::no_such_upload);
  CHECK(run(store.complete_upload("bkt", "k", id, chosen, {}, {})).error().code == ec::no_such_upload);

  auto other = run(store.create_upload("bkt", "k", {})).value();
  text_source source{second};
  REQUIRE(run(store.put_part(object("k", second.size()), other, 1, source)));
  CHECK(run(store.delete_bucket("bkt")).error().code == ec::bucket_not_empty);
  REQUIRE(run(store.abort_upload("bkt", "k", other)));
  CHECK(rows_below(garbage_rows()) == 2);
  CHECK(get("k").value() == first + third);
}

TEST_CASE_METHOD(store_fixture, "content stays when its commit may have happened after all") {
  REQUIRE(put("k", "old"));
  auto why = GENERATE(ec::timeout, ec::closed, ec::unavailable, ec::internal, ec::not_leader, ec::io_error);
  CAPTURE(static_cast<int>(why));
  *answer_instead = why;
  CHECK(put("k", content_of(1, big)).error().code == why);
  answer_instead->reset();
  CHECK(get("k").value() == content_of(1, big));
}

TEST_CASE_METHOD(store_fixture, "without METADATA nothing is acknowledged, and the pieces are given back") {
  caf::anon_send_exit(metadata, caf::exit_reason::kill);
  cluster.fx.run();
  CHECK(put("k", "small").error().code == ec::unavailable);
  CHECK(put("k", content_of(1, big)).error().code == ec::unavailable);
  CHECK(get("k").error().code == ec::unavailable);
  CHECK(cluster.pieces_stored() == 0);
}

TEST_CASE_METHOD(store_fixture, "a listing pages through keys and prefixes") {
  for (auto* key : {"a", "a/b", "a/c", "b", "c/d"}) REQUIRE(put(key, "x"));
  std::vector<std::string> seen;
  for (std::string after;;) {
    list_objects what{.bucket = "bkt", .prefix = "", .delimiter = "/", .start_after = after, .limit = 2};
    auto page = run(store.list(what)).value();
    for (auto& e : page.entries) seen.push_back(e.key);
    if (!page.truncated) break;
    after = page.last;
  }
  CHECK(seen == std::vector<std::string>{"a", "a/", "b", "c/"});
  CHECK(run(store.list({.bucket = "none", .prefix = {}, .delimiter = {}, .start_after = {}})).error().code ==
    ec::no_such_bucket);
}

TEST_CASE_METHOD(store_fixture, "content that was condemned is refused when it comes to its commit, and given back") {
  REQUIRE(put("k", "old"));
  auto upload = run(store.create_upload("bkt", "k", {}));
  REQUIRE(upload);
  auto condemn_next = [&] {
    auto as_well = cluster.random; // what the replicator draws the next data id from
    rows->put(tables::condemned_row(as_well.new_data_id()), "");
  };
  auto body = content_of(9, big);
  condemn_next();
  auto refused = put("k", body);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ec::slow_down); // 503: send it again
  CHECK(get("k").value() == "old");
  CHECK(cluster.pieces_stored() == 0);
  condemn_next();
  text_source source{body};
  auto part = run(store.put_part(object("k", big), *upload, 1, source));
  REQUIRE_FALSE(part);
  CHECK(part.error().code == ec::slow_down);
  CHECK(get("k").value() == "old");
  CHECK(cluster.pieces_stored() == 0);
  REQUIRE(put("k", body)); // again, as other content
  CHECK(get("k").value() == body);
}

namespace {

// Looks when all of it was read: what came before is on its way to the nodes.
class looking_source final : public http::body_source {
public:
  looking_source(std::string text, std::function<void()> at_end) : text_(std::move(text)), at_end_(std::move(at_end)) {}
  http::task<std::size_t> read(bytes_span dst) override {
    auto n = co_await text_.read(dst);
    if (n == 0) at_end_();
    co_return n;
  }

private:
  text_source text_;
  std::function<void()> at_end_;
};

} // namespace

TEST_CASE_METHOD(store_fixture, "content is in use while it is written, and no longer") {
  auto as_well = cluster.random;
  auto id = as_well.new_data_id();
  bool looked = false, held = false;
  looking_source source{content_of(1, big), [&] {
                          looked = true;
                          held = cluster.pins.held(id);
                        }};
  REQUIRE(run(store.put(object("k", big), source)));
  CHECK(looked);
  CHECK(held);
  CHECK(get("k").has_value());
  CHECK_FALSE(cluster.pins.held(id));
}

namespace {

// A bucket whose content is kept as its row says, and an object in it.
void make_bucket(store_fixture& fx, const std::string& name, const char* content_class, const char* durability) {
  pb::bucket_record record;
  record.set_content_class(content_class);
  record.set_durability(durability);
  fx.rows->put(tables::bucket(name), record.SerializeAsString());
}

put_object object_in(const std::string& bucket, std::uint64_t size) {
  put_object what;
  what.bucket = bucket;
  what.key = "k";
  what.size = size;
  return what;
}

} // namespace

TEST_CASE_METHOD(store_fixture, "a bucket's class decides how its content is kept, parts included") {
  make_bucket(*this, "copies", "replica(2)", "");
  make_bucket(*this, "coded", "erasure(2,1)", "");
  auto body = content_of(1, big);
  REQUIRE(put(object_in("copies", big), body));
  CHECK(cluster.pieces_stored() == 16 * 2); // stripes of one piece
  REQUIRE(put(object_in("coded", big), body));
  CHECK(cluster.pieces_stored() == 16 * 2 + 8 * 3);
  auto found = run(store.get("coded", "k", true)).value();
  CHECK(found.record.extent().geometry().k() == 2);
  CHECK(read(found, 0, big).value() == body);

  auto id = run(store.create_upload("coded", "parts", {})).value();
  text_source part{body};
  REQUIRE(run(store.put_part(object_in("coded", big), id, 1, part)).error().code == ec::no_such_upload); // of key k
  auto what = object_in("coded", big);
  what.key = "parts";
  text_source again{body};
  REQUIRE(run(store.put_part(what, id, 1, again)));
  CHECK(run(store.list_parts("coded", "parts", id, 0, 10)).value().front().extent().geometry().m() == 1);
}

TEST_CASE_METHOD(store_fixture, "a bucket's durability is what a write waits for that says nothing itself") {
  make_bucket(*this, "all", "", "all");
  make_bucket(*this, "copies", "replica(3)", "async");
  REQUIRE(put(object_in("all", 100), content_of(1, 100)));
  CHECK(cluster.pieces_stored() == 3); // a metadata row is kept by a majority: not by all
  auto own = object_in("all", 100);
  own.durability = durability::quorum;
  REQUIRE(put(own, content_of(1, 100)));
  CHECK(cluster.pieces_stored() == 3); // beside its record

  auto failed = cluster.scripts.begin();
  for (auto& [name, script] : cluster.scripts) script->on_sync = ec::io_error;
  failed->second->on_sync = std::nullopt;
  auto outcome = put(object_in("copies", 10'000), content_of(2, 10'000));
  const bool has_the_one = failed->second->appends != 0;
  CHECK(outcome.has_value() == has_the_one);
  auto every = object_in("copies", 10'000);
  every.durability = durability::all;
  CHECK_FALSE(put(every, content_of(2, 10'000)).has_value());
}

TEST_CASE_METHOD(
  store_fixture, "a bucket whose class a newer version wrote takes no content that it would keep otherwise") {
  make_bucket(*this, "newer", "mirror(2)", "");
  auto refused = put(object_in("newer", 100), content_of(1, 100));
  REQUIRE(!refused);
  CHECK(refused.error().code == ec::incompatible);
  CHECK(run(store.get("newer", "k", true)).error().code == ec::no_such_key);
}

TEST_CASE("what was seen of a bucket holds for a second, and for a bounded number of buckets") {
  seen_buckets seen;
  const seen_buckets::time_point t0{};
  seen_bucket coded;
  coded.how.shape = {4, 2};
  seen.note("b", coded, t0);
  CHECK(seen.find("b", t0 + seen_buckets::age_max)->how.shape == content_class{4, 2});
  CHECK_FALSE(seen.find("b", t0 + seen_buckets::age_max + std::chrono::milliseconds{1}));
  CHECK_FALSE(seen.find("other", t0));
  seen.note("b", {}, t0);
  CHECK(seen.find("b", t0)->how.shape.by_size());
  for (std::size_t i = 0; i < seen_buckets::buckets_max; ++i) seen.note("x" + std::to_string(i), {}, t0);
  CHECK_FALSE(seen.find("b", t0)); // made room
}
