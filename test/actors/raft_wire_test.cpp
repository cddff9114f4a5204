#include "actors/raft_wire.hpp"

#include "support/print_result.hpp"

#include <catch2/catch.hpp>

#include <cstring>
#include <functional>

namespace troupe {
namespace {

pb::raft_message from_two(const std::function<void(pb::raft_message&)>& fill) {
  pb::raft_message m;
  m.set_from(2);
  m.set_from_address("metadata-2");
  m.set_to(1);
  fill(m);
  return m;
}

void add_entry(pb::raft_message& m, std::uint64_t term, std::uint32_t type, std::string payload) {
  auto& e = *m.mutable_append_entries()->add_entries();
  e.set_term(term);
  e.set_type(type);
  e.set_payload(std::move(payload));
}

void add_server(pb::raft_manifest& m, std::uint64_t id, int role) {
  auto& s = *m.add_servers();
  s.set_id(id);
  s.set_address("metadata-" + std::to_string(id));
  s.set_role(role);
}

std::string configuration(std::uint64_t members) {
  raft_configuration c;
  raft_configuration_init(&c);
  for (std::uint64_t id = 1; id <= members; ++id)
    REQUIRE(raft_configuration_add(&c, id, ("metadata-" + std::to_string(id)).c_str(), static_cast<int>(id % 3)) == 0);
  raft_buffer b{};
  REQUIRE(raft_configuration_encode(&c, &b) == 0);
  std::string bytes{static_cast<const char*>(b.base), b.len};
  raft_free(b.base);
  raft_configuration_close(&c);
  return bytes;
}

// A message of every kind with every field set.
std::vector<pb::raft_message> one_of_each() {
  std::vector<pb::raft_message> all;
  all.push_back(from_two([](auto& m) {
    auto& x = *m.mutable_request_vote();
    x.set_term(7);
    x.set_last_log_index(5);
    x.set_last_log_term(3);
    x.set_disrupt_leader(true);
    x.set_pre_vote(true);
  }));
  all.push_back(from_two([](auto& m) {
    auto& x = *m.mutable_request_vote_result();
    x.set_term(7);
    x.set_granted(true);
    x.set_pre_vote(pb::raft_request_vote_result::no);
  }));
  all.push_back(from_two([](auto& m) {
    auto& x = *m.mutable_append_entries();
    x.set_term(7);
    x.set_prev_log_index(4);
    x.set_prev_log_term(2);
    x.set_leader_commit(6);
    add_entry(m, 2, RAFT_COMMAND, "first");
    add_entry(m, 6, RAFT_BARRIER, "");
    add_entry(m, 7, RAFT_CHANGE, configuration(3));
  }));
  all.push_back(from_two([](auto& m) {
    auto& x = *m.mutable_append_entries_result();
    x.set_term(7);
    x.set_rejected(9);
    x.set_last_log_index(8);
  }));
  all.push_back(from_two([](auto& m) {
    auto& x = *m.mutable_install_snapshot();
    x.set_term(7);
    x.mutable_manifest()->set_index(100);
    x.mutable_manifest()->set_term(6);
    x.mutable_manifest()->set_configuration_index(3);
    add_server(*x.mutable_manifest(), 1, RAFT_VOTER);
    add_server(*x.mutable_manifest(), 2, RAFT_STANDBY);
  }));
  all.push_back(from_two([](auto& m) {
    auto& x = *m.mutable_timeout_now();
    x.set_term(7);
    x.set_last_log_index(5);
    x.set_last_log_term(3);
  }));
  return all;
}

} // namespace

TEST_CASE("every message of libraft survives the way to a member and back", "[raft]") {
  for (const auto& m : one_of_each()) {
    CAPTURE(m.ShortDebugString());
    auto decoded = raft_wire::decode(m);
    REQUIRE(decoded);
    CHECK(decoded->server_id == 2);
    CHECK(decoded->server_address == std::string{"metadata-2"});
    auto again = raft_wire::encode(*decoded);
    raft_wire::release(*decoded);
    REQUIRE(again);
    again->set_from(2);
    again->set_from_address("metadata-2");
    again->set_to(1);
    CHECK(again->SerializeAsString() == m.SerializeAsString());
  }
}

TEST_CASE("a configuration is read as libraft writes it", "[raft]") {
  for (std::uint64_t n : {1, 2, 3, 5, 9}) {
    auto read = raft_wire::decode_configuration(as_bytes(configuration(n)));
    REQUIRE(read);
    REQUIRE(read->servers_size() == static_cast<int>(n));
    for (const auto& s : read->servers()) {
      CHECK(s.address() == "metadata-" + std::to_string(s.id()));
      CHECK(s.role() == static_cast<int>(s.id() % 3));
    }
  }
  auto bytes = configuration(2);
  for (std::size_t n = 0; n + 8 < bytes.size(); ++n)
    CHECK(!raft_wire::decode_configuration(as_bytes(bytes.substr(0, n))));
}

TEST_CASE("what libraft could not bear is refused", "[raft]") {
  using pb::raft_message;
  auto all = one_of_each();
  auto entries = all[2], vote = all[0], snapshot = all[4];
  std::vector<raft_message> bad;
  auto with = [&](raft_message m, const std::function<void(raft_message&)>& change) {
    change(m);
    bad.push_back(std::move(m));
  };
  with(entries, [](auto& m) { m.set_from(0); });
  with(entries, [](auto& m) { m.set_from(1); });
  with(entries, [](auto& m) { m.set_from_address(""); });
  with(entries, [](auto& m) { m.set_from_address(std::string("a\0b", 3)); });
  with(entries, [](auto& m) { m.set_from_address(std::string(300, 'a')); });
  with(entries, [](auto& m) { m.clear_payload(); });
  with(entries, [](auto& m) { m.mutable_append_entries()->set_term(0); });
  with(entries, [](auto& m) { m.mutable_append_entries()->set_term(5); }); // entries of a later one
  with(entries, [](auto& m) { m.mutable_append_entries()->set_prev_log_term(0); });
  with(entries, [](auto& m) { m.mutable_append_entries()->set_prev_log_index(~std::uint64_t{0}); });
  with(entries, [](auto& m) { m.mutable_append_entries()->mutable_entries(1)->set_term(1); }); // backwards
  with(entries, [](auto& m) { m.mutable_append_entries()->mutable_entries(0)->set_type(0); });
  with(entries, [](auto& m) { m.mutable_append_entries()->mutable_entries(0)->set_type(4); });
  with(entries, [](auto& m) { m.mutable_append_entries()->mutable_entries(2)->set_payload("nonsense"); });
  with(entries, [](auto& m) {
    m.mutable_append_entries()->mutable_entries(0)->set_payload(std::string(raft_wire::entry_bytes_max + 1, 'x'));
  });
  with(vote, [](auto& m) { m.mutable_request_vote()->set_last_log_term(8); });
  with(vote, [](auto& m) { m.mutable_request_vote()->set_last_log_index(0); });
  with(snapshot, [](auto& m) { m.mutable_install_snapshot()->mutable_manifest()->set_index(0); });
  with(snapshot, [](auto& m) { m.mutable_install_snapshot()->mutable_manifest()->set_configuration_index(101); });
  with(snapshot, [](auto& m) { m.mutable_install_snapshot()->mutable_manifest()->clear_servers(); });
  with(snapshot, [](auto& m) { m.mutable_install_snapshot()->mutable_manifest()->mutable_servers(0)->set_role(7); });
  with(snapshot, [](auto& m) { m.mutable_install_snapshot()->mutable_manifest()->mutable_servers(0)->set_id(2); });
  for (const auto& m : bad) {
    CAPTURE(m.ShortDebugString().substr(0, 300));
    auto checked = raft_wire::check(m);
    REQUIRE(checked.has_error());
    CHECK(checked.error().code == ec::bad_argument);
    CHECK(raft_wire::decode(m).has_error());
  }
}

TEST_CASE("more entries than a message holds are cut off", "[raft]") {
  std::string payload(std::size_t{1} << 20, 'x');
  std::vector<::raft_entry> entries(
    20, {.term = 3, .type = RAFT_COMMAND, .buf = {.base = payload.data(), .len = payload.size()}, .batch = nullptr});
  ::raft_message m{};
  m.type = RAFT_IO_APPEND_ENTRIES;
  m.append_entries = {.term = 3,
    .prev_log_index = 10,
    .prev_log_term = 3,
    .leader_commit = 30,
    .entries = entries.data(),
    .n_entries = 20};
  auto sent = raft_wire::encode(m).value();
  CHECK(sent.append_entries().entries_size() == 4);
  CHECK(sent.append_entries().leader_commit() == 30); // what the leader knows; decode() ends it
  std::string large(raft_wire::entry_bytes_max, 'x');
  entries[0].buf = {.base = large.data(), .len = large.size()};
  CHECK(raft_wire::encode(m).value().append_entries().entries_size() == 1); // one always goes in
}

TEST_CASE("a follower does not take the leader's commit index for more than it was sent", "[raft]") {
  auto m = one_of_each()[2];
  m.mutable_append_entries()->set_leader_commit(1000);
  auto decoded = raft_wire::decode(m).value();
  CHECK(decoded.append_entries.leader_commit == 7);
  raft_wire::release(decoded);
}

} // namespace troupe
