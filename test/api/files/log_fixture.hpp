// log_fixture: files and their log over a store whose rows the test damages.
#pragma once

#include "../objects/store_fixture.hpp"

#include "api/files/wal_base.hpp"
#include "api/files/wal_repair.hpp"
#include "core/tables.hpp"

namespace troupe::files {

struct log_fixture : test::store_fixture {
  log_fixture() { REQUIRE(run(store.create_bucket(".files", ".files", ""))); }

  std::string id(int n) { return std::string(31, '0') + std::to_string(n); }

  void put(int n, const std::string& content, bool known = true) {
    put_object what;
    what.bucket = ".files";
    what.key = id(n);
    what.size = content.size();
    if (known)
      what.beside = [&](const pb::object_record& record, pb::batch& batch) {
        *batch.add_operations() = file_log::append_operation(
          file_log::entry_of(pb::file_log_entry::create, id(n), record), file_log::segment_bytes_min);
      };
    REQUIRE(store_fixture::put(std::move(what), content));
  }
  void remove(int n, bool known = true) {
    pb::file_log_entry e;
    e.set_operation(pb::file_log_entry::remove);
    e.set_file_id(id(n));
    std::vector<pb::operation> beside;
    if (known) beside.push_back(file_log::append_operation(e, file_log::segment_bytes_min));
    REQUIRE(run(store.remove(".files", id(n), {}, std::move(beside))));
  }
  result<std::string> content(int n) {
    auto there = run(store.get(".files", id(n), true));
    if (!there) return there.error();
    return read(*there, 0, there->record.size());
  }
  std::string row(int n) { return tables::object(".files", id(n)); }
  log_check check() { return run(check_log(data)); }
  std::string repaired(const difference& d, repairs how) {
    return run(repair(data, d, how, file_log::segment_bytes_min));
  }
  wal_segments segments() { return run(segments_of(data)); }
  void collect(std::uint64_t kept) {
    auto all = [](log_access& a, std::uint64_t n) -> http::task<bool> {
      co_await collect_base(a, n);
      co_return true;
    };
    REQUIRE(run(all(data, kept)));
  }

  log_access data{store, bridge, metadata, clock};
};

} // namespace troupe::files
