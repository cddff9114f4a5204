#include "actors/process_controls.hpp"

#include "actors/census.hpp"

namespace troupe {
namespace {

result<disk_fault> disk_fault_of(const pb::fault_order& o) {
  disk_fault f;
  switch (o.disk_kind()) {
  case pb::fault_order::eio: f.kind = disk_fault_kind::eio; break;
  case pb::fault_order::enospc: f.kind = disk_fault_kind::enospc; break;
  case pb::fault_order::slow: f.kind = disk_fault_kind::slow; break;
  case pb::fault_order::flip: f.kind = disk_fault_kind::flip; break;
  default: return fail(ec::bad_argument, "a disk fault is eio, enospc, slow or flip");
  }
  auto on = o.on();
  if (on != pb::fault_order::all) {
    f.reads = on == pb::fault_order::reads;
    f.writes = on == pb::fault_order::writes;
    f.syncs = on == pb::fault_order::syncs;
  }
  if (o.volume() == pb::fault_order::storage) f.volume = "storage";
  if (o.volume() == pb::fault_order::metadata) f.volume = "metadata";
  f.delay = std::chrono::milliseconds{o.ms()};
  return f;
}

pb::fault_report report_of(const fault_switches& s) {
  pb::fault_report report;
  for (auto& line : s.network->list()) report.add_faults(line);
  for (auto& line : s.disk->list()) report.add_faults(line);
  return report;
}

} // namespace

pb::process_status process_controls::status() const {
  pb::process_status s;
  if (census != nullptr) census->describe(s);
  if (queues) queues(s);
  return s;
}

result<pb::fault_report> process_controls::carry_out(const pb::fault_order& o) const {
  if (!faults) return fail(ec::access_denied, "faults are not enabled: the configuration must say `faults: enabled`");
  auto note = [this](std::string text) {
    if (events) events->add("fault", {}, std::move(text));
  };
  switch (o.kind()) {
  case pb::fault_order::look: break;
  case pb::fault_order::clear:
    faults->network->clear();
    faults->disk->clear();
    note("faults cleared");
    break;
  case pb::fault_order::disk: {
    auto f = disk_fault_of(o);
    if (!f) return f.error();
    TROUPE_TRY(faults->disk->set(*f));
    note("fault set: " + faults->disk->list().back());
    break;
  }
  case pb::fault_order::crash:
    if (!faults->crash) return fail(ec::not_implemented, "this process does not end on request");
    note("a crash was asked for");
    faults->crash();
    break;
  default: return fail(ec::not_implemented, "this process does not know fault order " + std::to_string(o.kind()));
  }
  return report_of(*faults);
}

} // namespace troupe
