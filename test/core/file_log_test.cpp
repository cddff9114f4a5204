#include "core/file_log.hpp"

#include "core/metadata_machine.hpp"
#include "core/tables.hpp"
#include "store/state.hpp"
#include "support/print_result.hpp"

#include <catch2/catch.hpp>

using namespace troupe;

namespace {

struct machine {
  std::shared_ptr<state_base> base = make_memory_base();
  state rows{base};
  metadata_machine apply_to{rows};
  std::uint64_t index = 0;

  result<pb::batch_result> apply(pb::batch batch) {
    pb::log_entry entry;
    *entry.add_batches() = std::move(batch);
    auto outcomes = apply_to.apply(std::move(entry), ++index);
    REQUIRE(outcomes);
    return outcomes->front();
  }
  result<pb::batch_result> add(
    pb::file_log_entry::operations what, const std::string& file, const std::string& data, std::uint64_t limit = 4096) {
    pb::file_log_entry e;
    e.set_operation(what);
    e.set_file_id(file);
    e.set_data(data);
    e.set_timestamp_ms(1000 + static_cast<std::int64_t>(index));
    pb::batch batch;
    *batch.add_operations() = file_log::append_operation(std::move(e), limit);
    return apply(std::move(batch));
  }
  pb::file_log_segment active() const {
    pb::file_log_segment s;
    REQUIRE(s.ParseFromString(rows.get(tables::file_log_active()).value().value()));
    return s;
  }
  std::vector<pb::file_log_entry> entries(const std::string& prefix) const {
    std::vector<pb::file_log_entry> all;
    auto cursor = rows.scan();
    REQUIRE(cursor);
    REQUIRE((*cursor)->seek(prefix));
    while ((*cursor)->valid() && (*cursor)->key().starts_with(prefix)) {
      pb::file_log_entry e;
      REQUIRE(e.ParseFromString(std::string{(*cursor)->value()}));
      all.push_back(std::move(e));
      REQUIRE((*cursor)->next());
    }
    return all;
  }
};

const std::string all_entries{tables::file_log, 'e'};

} // namespace

TEST_CASE("entries get their numbers, places and checksums where they are applied") {
  machine m;
  REQUIRE(m.add(pb::file_log_entry::create, "a", "1"));
  REQUIRE(m.add(pb::file_log_entry::update, "a", "22"));
  REQUIRE(m.add(pb::file_log_entry::remove, "a", ""));
  auto all = m.entries(all_entries);
  REQUIRE(all.size() == 3);
  std::uint64_t position = 0;
  file_log::reader r{"", 1};
  for (std::size_t i = 0; i < all.size(); ++i) {
    REQUIRE(all[i].id() == i + 1);
    REQUIRE(all[i].segment_id() == 1);
    REQUIRE(all[i].position() == position);
    position += all[i].ByteSizeLong();
    r.add(all[i]);
  }
  REQUIRE(r.faults().empty());
  REQUIRE(r.files().at("a").operation() == pb::file_log_entry::remove);
  REQUIRE(m.active().bytes() == position);
  REQUIRE(m.active().entries() == 3);
  REQUIRE(m.active().checksum() == all.back().checksum());
}

TEST_CASE("a full segment is closed, and the chain goes on over its end") {
  machine m;
  const std::string data(1000, 'x');
  for (int i = 0; i < 20; ++i) REQUIRE(m.add(pb::file_log_entry::create, "f" + std::to_string(i), data));
  const auto active = m.active();
  REQUIRE(active.id() == 5); // four entries and a bit fill 4096 bytes
  file_log::reader r{"", 1};
  for (const auto& e : m.entries(all_entries)) r.add(e);
  REQUIRE(r.faults().empty());
  REQUIRE(r.entries() == 20);
  REQUIRE(r.previous() == active.checksum());
  std::uint64_t entries = 0;
  for (std::uint64_t id = 1; id < active.id(); ++id) {
    pb::file_log_segment s;
    REQUIRE(s.ParseFromString(m.rows.get(tables::file_log_segment(id)).value().value()));
    REQUIRE(s.id() == id);
    REQUIRE(s.first_id() == entries + 1);
    REQUIRE(s.bytes() >= 4096);
    REQUIRE(s.closed_ms() != 0);
    REQUIRE(m.entries(tables::file_log_entries(id)).size() == s.entries());
    entries += s.entries();
  }
  REQUIRE(entries + active.entries() == 20);
}

TEST_CASE("any bit flipped in an entry is found") {
  machine m;
  REQUIRE(m.add(pb::file_log_entry::create, "some-file", "its record"));
  const auto bytes = m.entries(all_entries).front().SerializeAsString();
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    auto damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    pb::file_log_entry e;
    if (!e.ParseFromString(damaged)) continue;
    INFO("bit " << bit);
    REQUIRE_FALSE(file_log::check(e));
  }
}

TEST_CASE("an entry that is missing, changed or out of order breaks the chain") {
  machine m;
  for (const auto* f : {"a", "b", "c"}) REQUIRE(m.add(pb::file_log_entry::create, f, f));
  auto all = m.entries(all_entries);
  file_log::reader gap{"", 1};
  gap.add(all[0]);
  gap.add(all[2]);
  REQUIRE(gap.faults().size() == 2); // the number, and the chain
  file_log::reader forged{"", 1};
  auto e = all[0];
  e.set_data("other");
  e.set_checksum(file_log::checksum_of(e)); // right for itself
  forged.add(e);
  forged.add(all[1]);
  REQUIRE(forged.faults().size() == 1);
}

TEST_CASE("a batch that fails its precondition leaves no entry, and one that is refused neither") {
  machine m;
  pb::file_log_entry e;
  e.set_operation(pb::file_log_entry::create);
  e.set_file_id("f");
  pb::batch batch;
  auto* p = batch.add_preconditions();
  p->set_kind(pb::precondition::exists);
  p->set_key(tables::bucket("absent"));
  *batch.add_operations() = file_log::append_operation(e, 4096);
  auto outcome = m.apply(batch);
  REQUIRE(outcome);
  REQUIRE_FALSE(outcome->applied());
  REQUIRE(m.entries(all_entries).empty());
  REQUIRE(m.add(pb::file_log_entry::unknown, "f", "").error().code == ec::bad_argument);
  REQUIRE(m.add(pb::file_log_entry::create, "", "").error().code == ec::bad_argument);
  REQUIRE(m.add(pb::file_log_entry::create, std::string(65, 'f'), "").error().code == ec::bad_argument);
  REQUIRE(m.add(pb::file_log_entry::create, "f", std::string((256 << 10) + 1, 'd')).error().code == ec::too_large);
  REQUIRE(m.add(pb::file_log_entry::create, "f", "", 10).error().code == ec::bad_argument);
  pb::batch elsewhere;
  auto op = file_log::append_operation(e, 4096);
  op.set_key(tables::object("bucket", "key"));
  *elsewhere.add_operations() = op;
  REQUIRE(m.apply(elsewhere).error().code == ec::bad_argument);
}
