// What actors record of a request that is traced, and that nothing of it stays behind.
#include "actors/shard.hpp"
#include "actors/syncer.hpp"
#include "support/metadata_member.hpp"
#include "support/node_volume.hpp"
#include "support/test_tracer.hpp"

#include <catch2/catch.hpp>

#include <span>

using namespace troupe;
using namespace troupe::test;

TEST_CASE("a member records the commits and reads of traced requests, as children of whoever asked") {
  auto t = make_test_tracer();
  metadata_member m;
  m.options.tracing = t;
  REQUIRE(m.start());
  auto parent = sampled_context();
  auto b = put("o1", "one");
  b.set_trace(parent.to_bytes());
  REQUIRE(m.committed(b).applied());
  pb::read_request r;
  r.add_keys("o1");
  r.set_trace(parent.to_bytes());
  auto read = m.actors->ask<wire<pb::read_reply>>(m.actor, read_atom::value, wire{r});
  m.actors->wait(read);
  REQUIRE(m.committed(put("o2", "two")).applied()); // not traced
  auto spans = spans_of(*t);
  REQUIRE(spans.size() == 2);
  CHECK(spans[0].name == std::string{"commit"});
  CHECK(spans[1].name == std::string{"read rows"});
  for (auto& s : spans) {
    CHECK(s.kind == span_kind::server);
    CHECK(s.context.trace == parent.trace);
    CHECK(s.parent == parent.span);
    CHECK_FALSE(s.failed);
  }
}

TEST_CASE("the log does not say whose trace a commit belonged to") {
  auto t = make_test_tracer();
  metadata_member m;
  m.options.tracing = t;
  REQUIRE(m.start());
  auto b = put("o1", "the value that is found");
  b.set_trace(sampled_context().to_bytes());
  REQUIRE(m.committed(b).applied());
  bool found = false;
  for (auto& name : segment_files(*m.files)) {
    auto file = m.files->open(name, disk::open_mode::existing);
    REQUIRE(file.has_value());
    auto size = (*file)->size();
    REQUIRE(size.has_value());
    std::string bytes(*size, '\0');
    REQUIRE((*file)->read_at(0, std::as_writable_bytes(std::span{bytes})));
    found |= bytes.find("the value that is found") != bytes.npos;
    CHECK(bytes.find(sampled_context().to_bytes().substr(0, 16)) == bytes.npos);
  }
  CHECK(found);
}

TEST_CASE("a commit that is refused says so in its span") {
  auto t = make_test_tracer();
  metadata_member m;
  m.options.tracing = t;
  m.options.waiting_max = 0;
  REQUIRE(m.start());
  auto b = put("o1", "one");
  b.set_trace(sampled_context().to_bytes());
  auto a = m.commit(b);
  m.actors->wait(a);
  REQUIRE(a.code() == ec::slow_down);
  auto spans = spans_of(*t);
  REQUIRE(spans.size() == 1);
  CHECK(spans[0].failed);
}

TEST_CASE("a shard records the pieces of traced requests") {
  auto t = make_test_tracer();
  actor_fixture fx;
  node_volume volume{1};
  auto o = volume.options("node-7");
  o.syncer = fx.own(spawn_syncer(fx.system, false));
  o.worker = fx.own(spawn_worker(fx.system, false));
  o.tracing = t;
  auto started = spawn_shard(fx.system, std::move(o));
  REQUIRE(started.has_value());
  auto shard = fx.own(*started);
  fx.run();
  pb::piece_id id;
  id.set_data_id(std::string(16, 'd'));
  id.set_piece(2);
  auto plain = fx.ask(shard, append_atom::value, wire{id}, chunk::copy_of("bytes"));
  id.set_trace(sampled_context().to_bytes());
  auto written = fx.ask(shard, append_atom::value, wire{id}, chunk::copy_of("bytes"));
  auto read = fx.ask<chunk>(shard, read_atom::value, wire{id});
  id.set_piece(3);
  auto missing = fx.ask<chunk>(shard, read_atom::value, wire{id});
  fx.run();
  REQUIRE(plain.ok());
  REQUIRE(written.ok());
  CHECK(read.value().text() == "bytes"); // whose trace it was is not part of its name
  CHECK(missing.code() == ec::not_found);
  auto spans = spans_of(*t);
  REQUIRE(spans.size() == 3);
  CHECK(spans[0].name == std::string{"append piece"});
  CHECK(text_of(spans[0], "troupe.node") == "node-7");
  CHECK(text_of(spans[0], "troupe.bytes") == "5");
  CHECK(spans[1].name == std::string{"read piece"});
  CHECK_FALSE(spans[1].failed);
  CHECK(spans[2].failed);
  for (auto& s : spans) CHECK(s.parent == sampled_context().span);
}

TEST_CASE("a syncer counts how long its syncs took, and none that failed") {
  actor_fixture fx;
  auto took = std::make_shared<latency_histogram>();
  auto syncer = fx.own(spawn_syncer(fx.system, false, took));
  auto done = fx.ask(syncer, sync_atom::value, log_sync{});
  auto gate = std::make_shared<sync_gate>();
  gate->close(fail(ec::io_error, "a disk that failed"));
  auto failed = fx.ask(syncer, sync_atom::value, log_sync{{}, {}, gate, 0});
  fx.run();
  REQUIRE(done.ok());
  CHECK(failed.code() == ec::closed);
  std::uint64_t all = 0;
  for (std::size_t i = 0; i < latency_histogram::buckets; ++i) all += took->count(i);
  CHECK(all == 1);
}
