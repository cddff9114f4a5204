// METADATA on a real disk: commits and reads of many clients at once, and pages of a listing. The number to compare
// commits with is plain_write_and_fdatasync of bench_log. TROUPE_BENCH_DIR names a directory on the disk to measure
// (default: the current one).

#include "actors/metadata.hpp"
#include "actors/syncer.hpp"
#include "core/listing.hpp"
#include "core/tables.hpp"
#include "store/disk.hpp"

#include <benchmark/benchmark.h>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <stdexcept>

namespace {

using namespace troupe;

class place {
public:
  place() {
    auto* chosen = std::getenv("TROUPE_BENCH_DIR");
    path_ = (std::filesystem::path{chosen ? chosen : "."} / "bench_metadata_XXXXXX").string();
    if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error("cannot make " + path_);
  }
  place(const place&) = delete;
  place& operator=(const place&) = delete;
  ~place() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

private:
  std::string path_;
};

struct config : caf::actor_system_config {
  config() {
    register_messages(*this);
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-throughput", std::size_t{50});
  }
};

struct running_member {
  place where;
  config cfg;
  caf::actor_system system{cfg};
  syncer_actor syncer = spawn_syncer(system, true);
  worker_actor worker = spawn_worker(system, true);
  metadata_actor member;

  running_member() {
    metadata_options o;
    o.files = make_posix_disk(where.path());
    o.directory = "raft";
    o.base = open_lmdb_base({.path = where.path() + "/state"}).value();
    o.syncer = syncer;
    o.worker = worker;
    member = spawn_metadata(system, std::move(o)).value();
  }
  ~running_member() {
    caf::scoped_actor self{system};
    self->send_exit(member, caf::exit_reason::user_shutdown);
    self->wait_for(member);
    self->send_exit(syncer, caf::exit_reason::user_shutdown);
    self->send_exit(worker, caf::exit_reason::user_shutdown);
  }
};

// A row of a typical small object: 300 bytes under a key of 40.
pb::batch row_batch(std::uint64_t n) {
  pb::batch b;
  auto& o = *b.add_operations();
  o.set_kind(pb::operation::put);
  o.set_key(tables::object("bucket", "photos/2026/11/" + std::to_string(n * 7919 % 1'000'000'007)));
  o.set_value(std::string(300, 'v'));
  o.set_collect(true);
  return b;
}

struct load {
  std::atomic<std::int64_t> left = 0;
  std::atomic<std::int64_t> clients = 0;
  std::promise<void> done;
};

// Sends one request after the other until the load is used up.
template <class Atom, class Reply, class Make>
void client(caf::event_based_actor* self, metadata_actor member, std::shared_ptr<load> work, Make make) {
  auto n = work->left.fetch_sub(1);
  if (n <= 0) {
    if (work->clients.fetch_sub(1) == 1) work->done.set_value();
    return self->quit();
  }
  self->request(member, caf::infinite, Atom::value, make(static_cast<std::uint64_t>(n)))
    .then([=](const Reply&) { client<Atom, Reply>(self, member, work, make); },
      [=](const caf::error& e) { throw std::runtime_error(from_caf(e).message); });
}

template <class Atom, class Reply, class Make>
void run_load(running_member& m, std::int64_t clients, std::int64_t requests, Make make) {
  auto work = std::make_shared<load>();
  work->left = requests;
  work->clients = clients;
  for (std::int64_t i = 0; i < clients; ++i)
    m.system.spawn([&m, work, make](caf::event_based_actor* self) { client<Atom, Reply>(self, m.member, work, make); });
  work->done.get_future().wait();
}

void commits(benchmark::State& s) {
  running_member m;
  auto clients = s.range(0), each = clients * 50;
  std::uint64_t base = 0;
  for (auto _ : s) {
    run_load<commit_atom, wire<pb::batch_result>>(
      m, clients, each, [base](std::uint64_t n) { return wire{row_batch(base + n)}; });
    base += static_cast<std::uint64_t>(each);
  }
  s.SetItemsProcessed(s.iterations() * each);
}

void reads(benchmark::State& s) {
  running_member m;
  constexpr std::int64_t rows = 10'000;
  run_load<commit_atom, wire<pb::batch_result>>(m, 256, rows, [](std::uint64_t n) { return wire{row_batch(n)}; });
  auto clients = s.range(0), each = std::int64_t{20'000};
  for (auto _ : s)
    run_load<read_atom, wire<pb::read_reply>>(m, clients, each, [](std::uint64_t n) {
      pb::read_request q;
      q.add_keys(row_batch(n % rows).operations(0).key());
      return wire{std::move(q)};
    });
  s.SetItemsProcessed(s.iterations() * each);
}

// One million rows in LMDB, read in pages of 1000.
void listing(benchmark::State& s) {
  place where;
  std::shared_ptr<state_base> base = open_lmdb_base({.path = where.path()}).value();
  constexpr int rows = 1'000'000, step = 100'000;
  for (int first = 0; first < rows; first += step) {
    state_base::changes changes;
    for (int i = first; i < first + step; ++i)
      changes.emplace(tables::object("bucket", "photos/" + std::to_string(10'000'000 + i)), std::string(300, 'v'));
    base->apply(changes, std::to_string(first)).value();
  }
  state all{base};
  std::int64_t seen = 0;
  for (auto _ : s) {
    pb::list_request q;
    q.set_prefix(tables::object("bucket", ""));
    q.set_limit(1000);
    for (bool more = true; more;) {
      auto cursor = all.scan().value();
      auto page = list_page(*cursor, q).value();
      seen += page.entries_size();
      more = page.truncated();
      q.set_start_after(page.last());
    }
  }
  s.SetItemsProcessed(seen);
}

} // namespace

BENCHMARK(commits)->Arg(1)->Arg(64)->Arg(512)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(reads)->Arg(1)->Arg(64)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(listing)->Unit(benchmark::kMillisecond)->UseRealTime();
