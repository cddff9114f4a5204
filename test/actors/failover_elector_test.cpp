// The FAILOVER ELECTOR over the real metadata machine, in virtual time; what acquires and releases a volume is made up.
#include "actors/failover_elector.hpp"

#include "store/temporary_directory.hpp"
#include "support/actor_fixture.hpp"
#include "support/model_metadata.hpp"
#include "support/print_result.hpp"
#include "volumes/volume.hpp"

#include <catch2/catch.hpp>

using namespace troupe;
using namespace troupe::test;
using namespace std::chrono_literals;

namespace {

class virtual_time final : public monotonic_clock {
public:
  explicit virtual_time(actor_fixture& fx) : fx_(fx) {}
  monotonic_time now() const override { return fx_.system.clock().now().time_since_epoch() + 1h; }

private:
  actor_fixture& fx_;
};

// Two nodes that may have one volume, one at a time.
struct fixture {
  struct node {
    std::shared_ptr<troupe::volume> volume;
    failover_elector_actor elector;
    bool works = true;
    int acquired = 0, released = 0;
  };

  void start(node& n, const std::string& name) {
    shard_volume_options o;
    o.id = "v";
    o.root = at.path();
    o.shared = true;
    o.clock = &clock;
    o.acquire = [&n](const std::function<bool()>& mine) -> result<> {
      CHECK(mine());
      ++n.acquired;
      if (n.works) return {};
      return fail(ec::timeout, "it can not be attached");
    };
    o.release = [this, &n, name]() -> result<> {
      ++n.released;
      holder_at_release = holder();
      return {};
    };
    n.volume = std::make_shared<volume>(std::move(o));
    failover_elector_options e;
    e.lease.self = name;
    e.lease.address = name + ":50051";
    e.lease.volume = "v";
    e.lease.provider = "aws-ebs";
    e.lease.duration = 1s;
    e.lease.margin = 100ms;
    e.metadata = metadata;
    e.worker = fx.own(spawn_worker(fx.system, false));
    e.volume = n.volume;
    e.clock = &clock;
    n.elector = fx.own(spawn_failover_elector(fx.system, std::move(e)));
  }
  std::string holder() { return a.volume ? a.volume->seen().holder() : std::string{}; }
  std::uint64_t token(const node& n) {
    auto row = n.volume->held();
    return row ? row->token() : 0;
  }

  actor_fixture fx;
  virtual_time clock{fx};
  temporary_directory at;
  std::shared_ptr<state> rows = std::make_shared<state>(make_memory_base());
  metadata_actor metadata = fx.own(fx.system.spawn(model_metadata, rows, nullptr));
  std::string holder_at_release;
  node a, b;
};

} // namespace

TEST_CASE("a volume is acquired before its node may write to it, and released when it may no more") {
  fixture f;
  f.start(f.a, "a");
  REQUIRE(f.fx.run_until([&] { return f.token(f.a) == 1; }));
  CHECK(f.a.acquired == 1);
  f.fx.advance(10s);
  CHECK(f.token(f.a) == 1); // renewed
  CHECK(f.a.released == 0);
  auto left = f.fx.ask<>(f.a.elector, leave_atom::value);
  f.fx.wait(left);
  CHECK(left.ok());
  CHECK(f.a.released == 1);
  CHECK(f.holder_at_release == "a"); // before others may have it
  CHECK(f.token(f.a) == 0);
  f.start(f.b, "b");
  REQUIRE(
    f.fx.run_until([&] { return f.token(f.b) == 2; }, 500ms)); // it was given back: nobody waits for a lease's end
}

TEST_CASE("a volume that can not be acquired is tried again less and less often") {
  fixture f;
  f.a.works = false;
  f.start(f.a, "a");
  f.fx.advance(120s);
  CHECK(f.a.acquired >= 5);
  CHECK(f.a.acquired <= 9); // after 1, 2, 4, ... seconds, a minute at most
  CHECK(f.a.released == f.a.acquired);
  CHECK(f.token(f.a) == 0);
  f.a.works = true;
  REQUIRE(f.fx.run_until([&] { return f.token(f.a) != 0; }, 61s));
}

TEST_CASE("a volume that one node can not acquire is another one's soon") {
  fixture f;
  f.a.works = false;
  f.start(f.a, "a");
  f.fx.advance(200ms);
  f.start(f.b, "b");
  REQUIRE(f.fx.run_until([&] { return f.token(f.b) != 0; }, 5s));
  f.fx.advance(60s);
  CHECK(f.token(f.b) != 0);
  CHECK(f.a.acquired <= 2);
}

TEST_CASE("a holder that takes its volume anew has the next token, and seals again") {
  fixture f;
  f.start(f.a, "a");
  REQUIRE(f.fx.run_until([&] { return f.token(f.a) == 1; }));
  caf::anon_send(f.a.elector, retake_atom::value);
  REQUIRE(f.fx.run_until([&] { return f.token(f.a) == 2; }, 2s));
  CHECK(f.a.acquired == 2);
  CHECK(f.a.released == 0);
}
