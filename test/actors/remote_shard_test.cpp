// A shard behind a channel: REMOTE SHARD and PEER SERVICE together, over a simulated network.
#include "actors/remote_shard.hpp"

#include "actors/peer_methods.hpp"
#include "actors/peer_service.hpp"
#include "support/mock_shard.hpp"
#include "support/sim_network.hpp"

using namespace troupe;
using namespace troupe::test;
using namespace std::chrono_literals;

namespace {

struct two_processes {
  two_processes() {
    script->node = "b";
    peer_service_options o;
    real = fx.own(fx.system.spawn(mock_shard, script));
    o.shard = caf::actor_cast<shard_actor>(real);
    o.timeout = 1s;
    net.join("b", "b:1");
    net.serve("b:1", handler_of(fx.own(spawn_peer_service(fx.system, std::move(o)))));
    remote_timeouts t;
    t.piece = t.sync = t.question = 2s;
    shard = fx.own(spawn_remote_shard(fx.system, net.join("a", "a:1"), {"b", "b:1"}, t));
  }
  ~two_processes() { // what is held back keeps its shard, and the shard its script
    script->heal();
    for (int i = 0; i < 100 && !script->held.empty(); ++i) {
      caf::anon_send(real, tick_atom::value);
      fx.run();
    }
  }
  two_processes(const two_processes&) = delete;
  two_processes& operator=(const two_processes&) = delete;

  wire<pb::piece_id> piece(std::uint32_t n) {
    pb::piece_id id;
    id.set_data_id(data_id{}.to_bytes());
    id.set_piece(n);
    return wire{std::move(id)};
  }
  template <class T = void, class... Ts>
  result<T> ask(Ts... xs) {
    auto a = fx.ask<T>(shard, std::move(xs)...);
    return fx.wait(a);
  }

  actor_fixture fx;
  sim_network net{fx};
  std::shared_ptr<shard_script> script = std::make_shared<shard_script>();
  scripted_shard real;
  shard_actor shard;
};

} // namespace

TEST_CASE("a shard of another process does what one of this process does", "[peers]") {
  two_processes p;
  REQUIRE(p.ask(append_atom::value, p.piece(1), chunk::copy_of("content")));
  REQUIRE(p.ask(sync_atom::value));
  auto read = p.ask<chunk>(read_atom::value, p.piece(1));
  REQUIRE(read.has_value());
  CHECK(read->text() == "content");
  CHECK(p.script->syncs == 1);
  pb::held_request what;
  what.set_limit(10);
  auto page = p.ask<wire<pb::held_page>>(list_atom::value, wire{what});
  REQUIRE(page.has_value());
  REQUIRE((*page)->ids_size() == 1);
  CHECK((*page)->ids(0) == data_id{}.to_bytes());
  REQUIRE(p.ask(remove_atom::value, data_id{}));
  CHECK(p.ask<chunk>(read_atom::value, p.piece(1)).error().code == ec::not_found);
}

TEST_CASE("an error of the shard is the same error here", "[peers]") {
  two_processes p;
  p.script->on_append = ec::no_space;
  CHECK(p.ask(append_atom::value, p.piece(1), chunk::copy_of("x")).error().code == ec::no_space);
}

TEST_CASE("a process that is not there is told at once, one that is silent after the time", "[peers]") {
  two_processes p;
  p.net.cut("b:1", "a:1");
  CHECK(p.ask(sync_atom::value).error().code == ec::timeout);
  p.net.heal();
  p.script->on_append = ec::timeout; // the shard hangs: its process says so
  CHECK(p.ask(append_atom::value, p.piece(1), chunk::copy_of("x")).error().code == ec::timeout);
  p.net.crash("b:1");
  CHECK(p.ask(sync_atom::value).error().code == ec::unavailable);
}

TEST_CASE("what a process does not play, does not know or can not parse is answered with an error", "[peers]") {
  two_processes p;
  auto net = p.net.join("c", "c:1");
  auto code_of = [&](peer_message m) {
    std::optional<ec> code;
    net->call({"b", "b:1"}, plane::control, std::move(m), 5s,
      [&](result<peer_message> r) { code = r ? ec{} : r.error().code; });
    p.fx.run_until([&] { return code.has_value(); });
    return code.value();
  };
  CHECK(code_of(to_peer(peer_method::metadata_status)) == ec::not_implemented);
  CHECK(code_of({200, "", {}}) == ec::not_implemented);
  CHECK(code_of(to_peer(peer_method::shard_read, std::string{"\xff\xff\xff"})) == ec::corrupt);
  CHECK(code_of(to_peer(peer_method::shard_remove, std::string{"short"})) == ec::bad_argument);
  net->post({"b", "b:1"}, plane::control, {200, "", {}}); // nobody minds
  net->post({"b", "b:1"}, plane::control, to_peer(peer_method::gossip, std::string{"\xff"}));
  p.fx.run();
  CHECK(code_of(to_peer(peer_method::shard_sync)) == ec{});
}
