// Content at rest: clustered_store with a master key. Frames alone: test/codec/content_seal_test.cpp.
#include "store_fixture.hpp"

#include "api/objects/sealed_content.hpp"
#include "codec/digest.hpp"
#include "codec/text.hpp"
#include "core/tables.hpp"

using namespace troupe;
using namespace troupe::test;

namespace {

constexpr std::size_t big = 1'000'000;

struct encrypting_fixture : store_fixture {
  clustered_store sealed{with_key(1), io, bridge, memory};
  clustered_store other_key{with_key(2), io, bridge, memory};

  clustered_store_options with_key(unsigned char k) {
    auto o = options();
    o.master = master_key{{std::byte{k}}};
    return o;
  }
  pb::bucket_record bucket(const std::string& name) {
    pb::bucket_record record;
    REQUIRE(record.ParseFromString(rows->get(tables::bucket(name)).value().value()));
    return record;
  }
  result<put_outcome> put_in(
    clustered_store& s, const std::string& key, const std::string& body, bool encrypt = false) {
    auto what = object(key, body.size());
    what.encrypt = encrypt;
    text_source source{body};
    return run(s.put(what, source));
  }
  result<std::string> get_from(
    clustered_store& s, const std::string& key, std::uint64_t offset = 0, std::uint64_t length = 1 << 30) {
    auto found = run(s.get("bkt", key, true));
    if (!found) return found.error();
    auto reader = s.read(*found, offset, length);
    std::string all;
    for (;;) {
      auto next = run(reader->next());
      if (!next) return next.error();
      if (next->empty()) return all;
      all += next->text();
    }
  }
  bool at_rest(const std::string& needle) {
    for (auto& [name, script] : cluster.scripts)
      for (auto& [key, bytes] : script->pieces)
        if (bytes.text().find(needle) != std::string_view::npos) return true;
    auto all = rows->scan().value();
    REQUIRE(all->seek(""));
    while (all->valid()) {
      if (all->value().find(needle) != std::string_view::npos) return true;
      REQUIRE(all->next());
    }
    return false;
  }
};

} // namespace

TEST_CASE_METHOD(encrypting_fixture, "a bucket that encrypts keeps nothing readable, and gives back what it got") {
  REQUIRE(run(sealed.set_encryption("bkt", "on")));
  CHECK_FALSE(bucket("bkt").sealed_key().empty());
  for (std::size_t size : {std::size_t{1}, std::size_t{8192}, std::size_t{8193}, std::size_t{65'536}, big}) {
    CAPTURE(size);
    const auto body = content_of(static_cast<unsigned>(size), size);
    auto outcome = put_in(sealed, "k", body);
    REQUIRE(outcome);
    CHECK(outcome->encrypted);
    CHECK(outcome->etag == hex_encode(bytes_view{md5(as_bytes(body))}));
    CHECK(get_from(sealed, "k").value() == body);
    CHECK(run(sealed.get("bkt", "k", false)).value().record.size() == size);
    if (size > 100) CHECK_FALSE(at_rest(body.substr(50, 24)));
    for (auto [offset, length] : {std::pair{0u, 1u}, {65'535u, 2u}, {65'536u, 65'536u}, {999'999u, 1u}})
      if (offset < size) CHECK(get_from(sealed, "k", offset, length).value() == body.substr(offset, length));
  }
  REQUIRE(put_in(sealed, "empty", ""));
  CHECK(get_from(sealed, "empty").value().empty());
}

TEST_CASE_METHOD(encrypting_fixture, "parts of an upload are encrypted, each by itself") {
  pb::upload_record what;
  what.set_encrypt(true);
  auto id = run(sealed.create_upload("bkt", "k", what)).value();
  const auto first = content_of(1, 5 << 20), second = content_of(2, 100);
  std::vector<part_choice> chosen;
  const std::string* bodies[] = {&first, &second};
  for (std::uint32_t n = 1; n <= 2; ++n) {
    text_source source{*bodies[n - 1]};
    auto part = run(sealed.put_part(object("k", bodies[n - 1]->size()), id, n, source));
    REQUIRE(part);
    CHECK(part->encrypted);
    chosen.push_back({.number = n, .etag = part->etag, .checksums = {}});
  }
  auto done = run(sealed.complete_upload("bkt", "k", id, chosen, {}, {}));
  REQUIRE(done);
  CHECK(done->encrypted);
  CHECK(get_from(sealed, "k").value() == first + second);
  CHECK(get_from(sealed, "k", (5 << 20) - 3, 10).value() == first.substr((5 << 20) - 3) + second.substr(0, 7));
  CHECK_FALSE(at_rest(second.substr(10, 24)));
}

TEST_CASE_METHOD(encrypting_fixture, "without the key nothing is read, and nothing is written that could not be") {
  REQUIRE(put_in(sealed, "k", content_of(1, big), true));
  REQUIRE(put_in(sealed, "row", "short", true));
  REQUIRE(put_in(sealed, "open", "open"));
  for (auto* s : {&store, &other_key}) {
    CHECK(get_from(*s, "k").error().code == ec::unavailable);
    CHECK(get_from(*s, "row").error().code == ec::unavailable);
    CHECK(get_from(*s, "open").value() == "open");
  }
  CHECK(put_in(other_key, "k", "new", true).error().code == ec::unavailable);
  CHECK(put_in(store, "k", "new", true).error().code == ec::not_implemented);
  CHECK(get_from(sealed, "k").value() == content_of(1, big));
  // A bucket's key is for its name.
  auto record = bucket("bkt");
  rows->put(tables::bucket("moved"), record.SerializeAsString());
  auto what = object("k", 3);
  what.bucket = "moved";
  what.encrypt = true;
  text_source source{"new"};
  CHECK(run(sealed.put(what, source)).error().code == ec::unavailable);
}

TEST_CASE_METHOD(encrypting_fixture, "content that was changed at rest is not given out") {
  REQUIRE(put_in(sealed, "row", "short", true));
  auto key = tables::inline_content("bkt", "row");
  auto row = rows->get(key).value().value();
  row[2] = static_cast<char>(row[2] ^ 1);
  rows->put(key, row);
  CHECK(get_from(sealed, "row").error().code == ec::corrupt);
}

TEST_CASE_METHOD(
  encrypting_fixture, "a bucket that was made anew while content came has another key: the client sends again") {
  REQUIRE(put_in(sealed, "first", "x", true)); // the key is known, and held for a second
  REQUIRE(run(sealed.remove("bkt", "first", {}, {})));
  pb::bucket_record anew;
  rows->put(tables::bucket("bkt"), anew.SerializeAsString());
  CHECK(put_in(sealed, "k", content_of(1, big), true).error().code == ec::slow_down);
  CHECK(cluster.pieces_stored() == 0); // taken back
  REQUIRE(put_in(sealed, "k", content_of(1, big), true));
  CHECK(get_from(sealed, "k").value() == content_of(1, big));
}

TEST_CASE_METHOD(encrypting_fixture, "who knew the key of a bucket of the same name reads the new one's content") {
  clustered_store elsewhere{with_key(1), io, bridge, memory}; // another io thread's
  REQUIRE(put_in(sealed, "k", "old", true));
  CHECK(get_from(elsewhere, "k").value() == "old");
  REQUIRE(run(sealed.remove("bkt", "k", {}, {})));
  rows->put(tables::bucket("bkt"), pb::bucket_record{}.SerializeAsString());
  CHECK(put_in(sealed, "k", "new", true).error().code == ec::slow_down);
  REQUIRE(put_in(sealed, "k", "new", true));
  CHECK(get_from(elsewhere, "k").value() == "new");
}

TEST_CASE_METHOD(encrypting_fixture, "the configuration decides for buckets that say nothing") {
  auto o = with_key(1);
  o.encrypt = true;
  clustered_store by_default{o, io, bridge, memory};
  REQUIRE(put_in(by_default, "k", "one"));
  CHECK(run(by_default.get("bkt", "k", false)).value().record.has_sealing());
  REQUIRE(run(by_default.set_encryption("bkt", "off")));
  REQUIRE(put_in(by_default, "k", "two"));
  CHECK_FALSE(run(by_default.get("bkt", "k", false)).value().record.has_sealing());
  CHECK(get_from(by_default, "k").value() == "two");
}

TEST_CASE_METHOD(encrypting_fixture, "what the client said of its content is verified before it is encrypted") {
  REQUIRE(put_in(sealed, "k", "old", true));
  auto what = object("k", big);
  what.encrypt = true;
  what.expected.md5 = std::string(16, 'x');
  text_source wrong{content_of(1, big)};
  CHECK(run(sealed.put(what, wrong)).error().code == ec::bad_digest);
  what.expected.md5.reset();
  text_source half{content_of(1, big / 2)};
  CHECK(run(sealed.put(what, half)).error().code == ec::incomplete_body);
  text_source more{content_of(1, big + 1)};
  CHECK(run(sealed.put(what, more)).error().code == ec::invalid_request);
  CHECK(get_from(sealed, "k").value() == "old");
}
