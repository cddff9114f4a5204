// store_fixture: a clustered_store over mock shards and a model of METADATA, driven by the test's own thread: nothing
// happens, and no time passes, except within run() and start().
#pragma once

#include "api/http/tokens.hpp"
#include "api/objects/clustered_store.hpp"
#include "support/mock_cluster.hpp"
#include "support/model_metadata.hpp"
#include "support/print_result.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <catch2/catch.hpp>

namespace troupe::test {

// A body in pieces of a few bytes, which may end too early or too late.
class text_source final : public http::body_source {
public:
  explicit text_source(std::string text) : text_(std::move(text)) {}
  http::task<std::size_t> read(bytes_span dst) override {
    auto n = std::min({dst.size(), text_.size() - at_, std::size_t{40'000}});
    std::memcpy(dst.data(), text_.data() + at_, n);
    at_ += n;
    co_return n;
  }

private:
  std::string text_;
  std::size_t at_ = 0;
};

class store_clock final : public wall_clock {
public:
  unix_ms now() const override { return 1'700'000'000'000; }
};

struct store_fixture {
  static constexpr std::uint32_t piece_bytes = 64 << 10;
  static constexpr std::uint64_t memory_bytes = std::uint64_t{64} << 20;

  store_fixture() { REQUIRE(run(store.create_bucket("bkt", "owner", "us-east-1"))); }
  ~store_fixture() { bridge.close(); }

  template <class T>
  using eventual = std::shared_ptr<std::optional<T>>;

  // Lets it go as far as it goes by itself.
  template <class T>
  eventual<T> start(http::task<T> what) {
    auto out = std::make_shared<std::optional<T>>();
    boost::asio::co_spawn(io.context(), wrap(std::move(what), out), boost::asio::detached);
    settle();
    return out;
  }
  template <class T>
  T run(http::task<T> what) {
    auto out = start(std::move(what));
    REQUIRE(out->has_value()); // else it waits for something that nobody will bring
    return std::move(**out);
  }

  put_object object(const std::string& key, std::uint64_t size) {
    put_object o;
    o.bucket = "bkt";
    o.key = key;
    o.size = size;
    return o;
  }
  result<put_outcome> put(put_object what, const std::string& body) {
    text_source source{body};
    return run(store.put(std::move(what), source));
  }
  result<put_outcome> put(const std::string& key, const std::string& body) {
    return put(object(key, body.size()), body);
  }

  result<std::string> get(const std::string& key) {
    auto found = run(store.get("bkt", key, true));
    if (!found) return found.error();
    return read(*found, 0, found->record.size());
  }
  result<std::string> read(const stored_object& from, std::uint64_t offset, std::uint64_t length) {
    auto reader = store.read(from, offset, length);
    std::string all;
    for (;;) {
      auto next = run(reader->next());
      if (!next) return next.error();
      if (next->empty()) return all;
      all += next->text();
    }
  }

  std::size_t rows_below(const std::string& prefix) {
    auto rows_at = rows->scan().value();
    REQUIRE(rows_at->seek(prefix));
    std::size_t n = 0;
    for (; rows_at->valid() && rows_at->key().starts_with(prefix); ++n) REQUIRE(rows_at->next());
    return n;
  }

  mock_cluster cluster{5};
  store_clock clock;
  seeded_entropy random{7};
  read_pins pins;
  std::shared_ptr<state> rows = std::make_shared<state>(make_memory_base());
  std::shared_ptr<std::optional<ec>> answer_instead = std::make_shared<std::optional<ec>>(); // of METADATA to commits
  metadata_actor metadata = cluster.fx.own(cluster.fx.system.spawn(model_metadata, rows, answer_instead));
  http::worker io{0, clock, random};
  http::actor_bridge bridge{cluster.fx.system, io.context()};
  http::budget memory{io.context(), memory_bytes, 16}; // mock shards keep the buffers, and so their share of it
  clustered_store store{options(), io, bridge, memory};

  clustered_store_options options() {
    clustered_store_options o;
    o.metadata = metadata;
    o.replicator = cluster.replicator;
    o.clock = &clock;
    o.random = &random;
    o.pins = &pins;
    o.nodes = std::make_shared<live_node_counts>(node_counts{5, 5});
    o.redundancy.piece_bytes = piece_bytes;
    return o;
  }

private:
  template <class T>
  static http::task<void> wrap(http::task<T> what, eventual<T> out) {
    out->emplace(co_await std::move(what));
  }
  // Until neither side has anything to do.
  void settle() {
    for (std::size_t done = 1; done != 0;) {
      io.context().restart();
      done = io.context().poll();
      done += cluster.fx.run();
    }
  }
};

} // namespace troupe::test
