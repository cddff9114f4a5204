#include "actors/interfaces.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/binary_serializer.hpp>
#include <caf/exit_reason.hpp>
#include <caf/message.hpp>

#include <catch2/catch.hpp>

#include <vector>

using namespace troupe;

namespace {

struct messages_config : caf::actor_system_config {
  messages_config() {
    set("scheduler.policy", caf::atom("testing"));
    register_messages(*this);
  }
};

// Through the serializer, as between two processes.
caf::message round_trip(caf::actor_system& system, const caf::message& in) {
  std::vector<char> bytes;
  caf::binary_serializer sink{system, bytes};
  REQUIRE_FALSE(in.save(sink));
  caf::message out;
  caf::binary_deserializer source{system, bytes};
  REQUIRE_FALSE(out.load(source));
  return out;
}

} // namespace

TEST_CASE("an error of ours survives the way into CAF and back") {
  auto e = fail(ec::no_such_key, "key \"a\" of bucket \"b\"");
  REQUIRE(from_caf(to_caf(e)) == e);
}

TEST_CASE("an error of ours keeps its text between processes, and an actor system renders it") {
  messages_config cfg;
  caf::actor_system system{cfg};
  auto out = round_trip(system, caf::make_message(to_caf(fail(ec::no_space, "disk full"))));
  REQUIRE(out.match_elements<caf::error>());
  REQUIRE(from_caf(out.get_as<caf::error>(0)) == fail(ec::no_space, "disk full"));
  REQUIRE(system.render(out.get_as<caf::error>(0)) == "no_space: disk full");
}

TEST_CASE("what CAF itself reports becomes timeout, unavailable or internal") {
  REQUIRE(from_caf(caf::make_error(caf::sec::request_timeout)).code == ec::timeout);
  REQUIRE(from_caf(caf::make_error(caf::sec::request_receiver_down)).code == ec::unavailable);
  REQUIRE(from_caf(caf::make_error(caf::exit_reason::remote_link_unreachable)).code == ec::unavailable);
  REQUIRE(from_caf(caf::make_error(caf::exit_reason::user_shutdown)).code == ec::unavailable);
  REQUIRE(from_caf(caf::make_error(caf::sec::unexpected_message)).code == ec::internal);
  REQUIRE(from_caf(caf::make_error(caf::sec::runtime_error, "boom")).message.find("boom") != std::string::npos);
  REQUIRE(from_caf(caf::error{}).code == ec::internal);
  REQUIRE(from_caf(caf::error{250, caf::atom("troupe")}).code == ec::internal);
}

TEST_CASE("bulk, ids and Protobuf messages survive the way between processes") {
  messages_config cfg;
  caf::actor_system system{cfg};
  pb::piece_id id;
  id.set_data_id("0123456789abcdef");
  id.set_stripe(7);
  id.set_piece(3);
  auto bytes = chunk::copy_of("xxpayloadxx").slice(2, 7);
  auto out = round_trip(system, caf::make_message(wire{id}, bytes, data_id::from_bytes("0123456789abcdef"), chunk{}));
  REQUIRE(out.match_elements<wire<pb::piece_id>, chunk, data_id, chunk>());
  REQUIRE(out.get_as<wire<pb::piece_id>>(0) == wire{id});
  REQUIRE(out.get_as<chunk>(1).text() == "payload");
  REQUIRE(out.get_as<data_id>(2) == data_id::from_bytes("0123456789abcdef"));
  REQUIRE(out.get_as<chunk>(3).empty());
}

TEST_CASE("a chunk that claims more bytes than the message holds is refused before anything is allocated") {
  messages_config cfg;
  caf::actor_system system{cfg};
  std::vector<char> bytes;
  caf::binary_serializer sink{system, bytes};
  std::size_t n = std::size_t{15} << 20;
  REQUIRE_FALSE(sink.begin_sequence(n));
  caf::binary_deserializer source{system, bytes};
  chunk c;
  auto e = inspect(source, c);
  REQUIRE(e == caf::sec::end_of_stream);
  REQUIRE(c.empty());
}
