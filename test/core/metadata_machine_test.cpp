#include "core/metadata_machine.hpp"

#include "core/tables.hpp"
#include "store/state.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <random>

namespace troupe {
namespace {

using B = pb::batch;

B& when(B& b, pb::precondition::kinds kind, std::string key, std::uint64_t digest = 0) {
  auto& p = *b.add_preconditions();
  p.set_kind(kind);
  p.set_key(std::move(key));
  p.set_digest(digest);
  return b;
}
B& then(B& b, pb::operation::kinds kind, std::string key, std::string value = {}, bool collect = false) {
  auto& o = *b.add_operations();
  o.set_kind(kind);
  o.set_key(std::move(key));
  o.set_value(std::move(value));
  o.set_collect(collect);
  return b;
}
B put(std::string key, std::string value) {
  B b;
  then(b, pb::operation::put, std::move(key), std::move(value));
  return b;
}
pb::log_entry entry_of(std::vector<B> batches) {
  pb::log_entry e;
  for (auto& b : batches) *e.add_batches() = std::move(b);
  return e;
}

struct machine_fixture {
  std::shared_ptr<state_base> base = make_memory_base();
  state rows{base};
  metadata_machine machine{rows};
  std::uint64_t index = 0;

  std::vector<metadata_machine::batch_outcome> apply(std::vector<B> batches) {
    auto outcomes = machine.apply(entry_of(std::move(batches)), ++index);
    REQUIRE(outcomes.has_value());
    return std::move(*outcomes);
  }
  pb::batch_result apply(B b) {
    auto outcomes = apply(std::vector<B>{std::move(b)});
    REQUIRE(outcomes.size() == 1);
    REQUIRE(outcomes[0].has_value());
    CHECK(outcomes[0]->index() == index);
    return *outcomes[0];
  }
  std::optional<std::string> get(const std::string& key) { return rows.get(key).value(); }
  std::map<std::string, std::string> all() {
    std::map<std::string, std::string> found;
    auto cursor = rows.scan().value();
    for (cursor->seek("").value(); cursor->valid(); cursor->next().value())
      found.emplace(cursor->key(), cursor->value());
    return found;
  }
};

} // namespace

TEST_CASE_METHOD(machine_fixture, "a batch puts and erases rows, and is told the Raft index") {
  CHECK(apply(put("o1", "one")).applied());
  B b;
  then(b, pb::operation::put, "o2", "two");
  then(b, pb::operation::erase, "o1");
  then(b, pb::operation::erase, "o3"); // was never there: fine
  CHECK(apply(b).applied());
  CHECK(all() == std::map<std::string, std::string>{{"o2", "two"}});
}

TEST_CASE_METHOD(machine_fixture, "a failed precondition is named, and nothing of the batch happens") {
  apply(put("o1", "one"));
  auto digest = tables::digest_of("one");
  struct row {
    pb::precondition::kinds kind;
    std::string key;
    std::uint64_t digest;
    bool holds;
  };
  for (const auto& r :
    std::vector<row>{{pb::precondition::exists, "o1", 0, true}, {pb::precondition::exists, "o2", 0, false},
      {pb::precondition::not_exists, "o1", 0, false}, {pb::precondition::not_exists, "o2", 0, true},
      {pb::precondition::equals, "o1", digest, true}, {pb::precondition::equals, "o1", digest + 1, false},
      {pb::precondition::equals, "o2", tables::digest_of(""), false}, // no row equals nothing, not even the empty value
      {pb::precondition::prefix_empty, "o", 0, false}, {pb::precondition::prefix_empty, "o1", 0, false},
      {pb::precondition::prefix_empty, "o2", 0, true}, {pb::precondition::prefix_empty, "n", 0, true}}) {
    CAPTURE(r.kind, r.key);
    B b;
    when(b, pb::precondition::exists, "o1");
    when(b, r.kind, r.key, r.digest);
    then(b, pb::operation::put, "x", "y");
    auto outcome = apply(b);
    CHECK(outcome.applied() == r.holds);
    if (!r.holds) CHECK(outcome.failed_precondition() == 1);
    CHECK(get("x").has_value() == r.holds);
    B undo;
    apply(then(undo, pb::operation::erase, "x"));
  }
}

TEST_CASE_METHOD(machine_fixture, "the batches of an entry see each other's rows, in order, and fail alone") {
  B only_once = put("o1", "first");
  when(only_once, pb::precondition::not_exists, "o1");
  B bad = put(std::string(metadata_machine::key_bytes_max + 1, 'k'), "too long");
  auto outcomes = apply({only_once, only_once, bad, put("o2", "second")});
  REQUIRE(outcomes.size() == 4);
  CHECK(outcomes[0]->applied());
  CHECK(!outcomes[1]->applied());
  CHECK(outcomes[2].error().code == ec::bad_argument);
  CHECK(outcomes[3]->applied());
  CHECK(all().size() == 2);
}

TEST_CASE_METHOD(machine_fixture, "what was collected is in table garbage, under keys of its own") {
  apply(put("o1", "old"));
  apply(put("o2", "older"));
  auto collecting = [](pb::operation::kinds kind, const std::string& key) {
    B b;
    b.set_now_ms(77);
    return then(b, kind, key, "new", true);
  };
  apply(
    {collecting(pb::operation::put, "o1"), collecting(pb::operation::put, "o1"), collecting(pb::operation::erase, "o2"),
      collecting(pb::operation::erase, "o3")}); // o3 was not there: leaves nothing
  std::vector<std::string> values;
  for (std::uint32_t i = 0; i < 3; ++i) {
    auto row = get(tables::garbage_row(index, i));
    REQUIRE(row);
    pb::garbage_record g;
    REQUIRE(g.ParseFromString(*row));
    CHECK(g.table() == "o");
    CHECK(g.deleted_ms() == 77);
    values.push_back(g.key() + "=" + g.value());
  }
  CHECK(values == std::vector<std::string>{"o1=old", "o1=new", "o2=older"});
  CHECK(!get(tables::garbage_row(index, 3)));
}

TEST_CASE_METHOD(
  machine_fixture, "erasing a prefix takes every row below it, also those the same batch put, and no other") {
  for (auto key : {"p1", "p1a", "p1b", "p2"}) apply(put(key, key));
  B b;
  then(b, pb::operation::put, "p1new", "x");
  then(b, pb::operation::erase_prefix, "p1", {}, true);
  then(b, pb::operation::put, "p1after", "y");
  CHECK(apply(b).applied());
  auto rows_left = all();
  CHECK(rows_left.contains("p1after"));
  CHECK(rows_left.contains("p2"));
  CHECK(rows_left.size() == 2 + 4); // and four rows of garbage
}

TEST_CASE_METHOD(machine_fixture, "a batch beyond a bound is refused whole") {
  B many;
  for (int i = 0; i <= metadata_machine::operations_max; ++i) then(many, pb::operation::erase, "k");
  CHECK(metadata_machine::check(many).error().code == ec::too_large);
  many.mutable_operations()->RemoveLast();
  CHECK(metadata_machine::check(many).has_value());
  B large = put("o1", std::string(metadata_machine::batch_bytes_max, 'x'));
  CHECK(metadata_machine::check(large).error().code == ec::too_large);
  CHECK(apply(std::vector<B>{large})[0].error().code == ec::too_large);
  CHECK(metadata_machine::check(put("", "x")).error().code == ec::bad_argument);
  CHECK(metadata_machine::check(put("\x80", "x")).error().code == ec::bad_argument); // names no table
  B unknown = put("o1", "x");
  unknown.mutable_operations(0)->set_kind(static_cast<pb::operation::kinds>(9));
  CHECK(metadata_machine::check(unknown).error().code == ec::bad_argument);
  CHECK(all().empty());
}

TEST_CASE_METHOD(machine_fixture, "a batch that would erase too many rows changes nothing") {
  for (std::size_t i = 0; i <= metadata_machine::rows_erased_max; ++i) rows.put("p" + std::to_string(i), "");
  B b = put("o1", "x");
  then(b, pb::operation::erase_prefix, "p");
  CHECK(apply(std::vector<B>{b})[0].error().code == ec::too_large);
  CHECK(!get("o1"));
  rows.erase("p0");
  CHECK(apply(b).applied());
  CHECK(all().size() == 1);
}

TEST_CASE_METHOD(machine_fixture, "a read answers the rows that exist, in the order asked, and is bounded") {
  apply(put("o1", "one"));
  apply(put("o2", ""));
  pb::read_request q;
  for (auto key : {"o2", "o0", "o1", "o2"}) q.add_keys(key);
  auto reply = machine.read(q).value();
  REQUIRE(reply.rows_size() == 3);
  CHECK(reply.rows(0).key() == "o2");
  CHECK(reply.rows(1).value() == "one");
  CHECK(reply.rows(2).key() == "o2");
  for (int i = 0; i <= metadata_machine::keys_read_max; ++i) q.add_keys("o1");
  CHECK(machine.read(q).error().code == ec::too_large);
  pb::read_request big;
  apply(put("o3", std::string(std::size_t{7} << 20, 'x')));
  big.add_keys("o3");
  CHECK(machine.read(big).value().rows_size() == 1);
  big.add_keys("o3");
  CHECK(machine.read(big).error().code == ec::too_large);
}

TEST_CASE_METHOD(machine_fixture, "a listing sees what was just applied") {
  apply(put(tables::object("b", "k/1"), "1"));
  apply(put(tables::object("b", "k/2"), "2"));
  pb::list_request q;
  q.set_prefix(tables::object("b", ""));
  q.set_delimiter("/");
  q.set_limit(10);
  auto reply = machine.list(q).value();
  REQUIRE(reply.entries_size() == 1);
  CHECK(reply.entries(0).key() == tables::object("b", "k/"));
}

TEST_CASE("random batches change the tables as they change a map, and a replay gives the same rows and results") {
  auto seed = GENERATE(range(1u, 31u));
  CAPTURE(seed);
  std::mt19937_64 random{seed};
  auto below = [&](std::uint64_t n) { return random() % n; };
  auto key = [&] {
    return std::string(1, static_cast<char>('o' + below(2))) +
      std::string(1 + below(2), static_cast<char>('a' + below(3)));
  };
  pb::object_record small; // its content lies in a row of its own: never garbage
  small.set_inlined(true);
  const auto inlined = small.SerializeAsString();
  auto value = [&] { return below(4) == 0 ? inlined : "v" + std::to_string(random()); };
  std::map<std::string, std::string> model;
  machine_fixture first, second;
  for (std::uint64_t index = 1; index <= 60; ++index) {
    std::vector<B> batches(1 + below(4));
    for (auto& b : batches) {
      b.set_now_ms(static_cast<std::int64_t>(below(1000)));
      for (auto n = below(3); n > 0; --n) {
        auto k = key();
        when(
          b, static_cast<pb::precondition::kinds>(below(4)), k, tables::digest_of(model.contains(k) ? model[k] : "x"));
      }
      for (auto n = below(5); n > 0; --n)
        then(b, static_cast<pb::operation::kinds>(below(3)), key(), value(), below(2) == 0);
    }
    auto entry = entry_of(batches);
    auto one = first.machine.apply(entry, index).value(), two = second.machine.apply(entry, index).value();
    REQUIRE(one.size() == batches.size());
    std::uint32_t collected = 0;
    for (std::size_t i = 0; i < batches.size(); ++i) {
      auto below_prefix = [&](const std::string& p) { return model.lower_bound(p); };
      auto used = [&](const std::string& p) {
        auto it = below_prefix(p);
        return it != model.end() && it->first.starts_with(p);
      };
      int failed = -1;
      for (int p = 0; p < batches[i].preconditions_size() && failed < 0; ++p) {
        const auto& c = batches[i].preconditions(p);
        auto it = model.find(c.key());
        bool held = c.kind() == pb::precondition::exists ? it != model.end()
          : c.kind() == pb::precondition::not_exists     ? it == model.end()
          : c.kind() == pb::precondition::equals ? it != model.end() && tables::digest_of(it->second) == c.digest()
                                                 : !used(c.key());
        if (!held) failed = p;
      }
      REQUIRE(one[i]->applied() == (failed < 0));
      REQUIRE(one[i]->SerializeAsString() == two[i]->SerializeAsString());
      if (failed >= 0) {
        REQUIRE(static_cast<int>(one[i]->failed_precondition()) == failed);
        continue;
      }
      for (const auto& o : batches[i].operations()) {
        auto leave = [&](const std::string& k) {
          if (!o.collect() || !model.contains(k) || (k[0] == tables::objects && model[k] == inlined)) return;
          pb::garbage_record g;
          g.set_table(k.substr(0, 1));
          g.set_key(k);
          g.set_value(model[k]);
          g.set_deleted_ms(batches[i].now_ms());
          model[tables::garbage_row(index, collected++)] = g.SerializeAsString();
        };
        if (o.kind() == pb::operation::erase_prefix) {
          while (used(o.key())) {
            auto k = below_prefix(o.key())->first;
            leave(k);
            model.erase(k);
          }
        } else {
          leave(o.key());
          if (o.kind() == pb::operation::put)
            model[o.key()] = o.value();
          else
            model.erase(o.key());
        }
      }
    }
    // A checkpoint in between must not show.
    if (below(5) == 0) first.rows.end_checkpoint(first.rows.begin_checkpoint(std::to_string(index))());
  }
  CHECK(first.all() == model);
  CHECK(second.all() == model);
}

} // namespace troupe
