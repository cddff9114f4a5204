#include "api/metrics/cluster_metrics.hpp"

#include "api/admin/survey_json.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace troupe::metrics {

namespace {

// One family that grows a line at a time.
class gauge {
public:
  gauge(const char* name, const char* help) {
    family_.name = name;
    family_.help = help;
    family_.type = prometheus::MetricType::Gauge;
  }
  gauge(const char* name, const char* help, prometheus::MetricType type) : gauge(name, help) { family_.type = type; }

  void add(double value, std::vector<prometheus::ClientMetric::Label> labels = {}) {
    prometheus::ClientMetric m;
    m.label = std::move(labels);
    if (family_.type == prometheus::MetricType::Counter)
      m.counter.value = value;
    else
      m.gauge.value = value;
    family_.metric.push_back(std::move(m));
  }
  void add_node(double value, const std::string& node) { add(value, {{"node", node}}); }
  void add_node(std::uint64_t value, const std::string& node) { add_node(static_cast<double>(value), node); }

  void give(std::vector<prometheus::MetricFamily>& to) {
    if (!family_.metric.empty()) to.push_back(std::move(family_));
  }

private:
  prometheus::MetricFamily family_;
};

void nodes_of(const cluster_survey& all, std::vector<prometheus::MetricFamily>& out) {
  gauge answers{"troupe_node_answers", "Whether a storage node answered when it was asked: 1 or 0."};
  gauge pieces{"troupe_node_pieces", "Pieces of stripes that a node holds."};
  gauge live{"troupe_node_live_bytes", "Bytes of pieces that a node holds."};
  gauge log{"troupe_node_log_bytes", "Bytes that a node's log takes on its disk, dead ones too."};
  gauge damaged{"troupe_node_damaged_records", "Records of a node's log that were found damaged since it started."};
  gauge writable{"troupe_node_writable", "Whether a node takes new pieces: 1 or 0."};
  gauge suspected{"troupe_node_suspected", "Whether gossip suspects a node or calls it dead: 1 or 0."};
  gauge state{"troupe_node_state", "1 for the state that the cluster map gives a node."};
  for (const auto& n : all.nodes) {
    const auto& name = n.id.name;
    if (n.listed) state.add(1, {{"node", name}, {"state", std::string{to_string(n.listed->state)}}});
    if (n.gossip) suspected.add_node(*n.gossip == member_status::alive ? 0.0 : 1.0, name);
    if (!n.asked) continue;
    answers.add_node(n.storage ? 1.0 : 0.0, name);
    if (!n.storage) continue;
    pieces.add_node(n.storage->pieces(), name);
    live.add_node(n.storage->live_bytes(), name);
    log.add_node(n.storage->log_bytes(), name);
    damaged.add_node(n.storage->damaged_records(), name);
    writable.add_node(n.storage->writable() ? 1.0 : 0.0, name);
  }
  for (auto* g : {&answers, &pieces, &live, &log, &damaged, &writable, &suspected, &state}) g->give(out);
}

void members_of(const cluster_survey& all, std::vector<prometheus::MetricFamily>& out) {
  gauge answers{"troupe_raft_answers", "Whether a metadata member answered when it was asked: 1 or 0."};
  gauge leads{"troupe_raft_leader", "Whether a metadata member leads its group: 1 or 0."};
  gauge term{"troupe_raft_term", "The Raft term that a metadata member is in."};
  gauge commit{"troupe_raft_commit_index", "The last Raft entry that a metadata member knows to be committed."};
  gauge applied{"troupe_raft_applied_index", "The last Raft entry that a metadata member has applied."};
  gauge lag{"troupe_raft_lag_entries", "Entries that the leader has committed and a member has not applied."};
  gauge recovering{"troupe_raft_recovering", "Whether a member does not vote yet, because it catches up: 1 or 0."};
  const auto* leader = leader_of(all);
  for (const auto& m : all.members) {
    const auto& name = m.node.name;
    answers.add_node(m.status ? 1.0 : 0.0, name);
    if (!m.status) continue;
    leads.add_node(m.status->state() == "leader" ? 1.0 : 0.0, name);
    term.add_node(m.status->term(), name);
    commit.add_node(m.status->commit_index(), name);
    applied.add_node(m.status->applied_index(), name);
    recovering.add_node(m.status->recovering() ? 1.0 : 0.0, name);
    if (leader == nullptr) continue;
    const auto to_go = leader->commit_index() - std::min(leader->commit_index(), m.status->applied_index());
    lag.add_node(to_go, name);
  }
  for (auto* g : {&answers, &leads, &term, &commit, &applied, &lag, &recovering}) g->give(out);
}

// Fields of /proc/self/stat, counted as proc(5) does, from 1; empty when it cannot be read.
std::vector<std::string> process_fields() {
  std::ifstream in{"/proc/self/stat"};
  std::string line;
  std::getline(in, line);
  const auto end_of_name = line.rfind(')'); // a name may hold blanks
  if (end_of_name == std::string::npos) return {};
  std::vector<std::string> fields{"", "", ""}; // so that [3] is the state
  for (std::size_t at = end_of_name + 2, end = 0; end != std::string::npos; at = end + 1) {
    end = line.find(' ', at);
    fields.push_back(line.substr(at, end - at));
  }
  return fields;
}

} // namespace

std::vector<prometheus::MetricFamily> cluster_metrics(const cluster_survey& all) {
  std::vector<prometheus::MetricFamily> out;
  nodes_of(all, out);
  members_of(all, out);
  if (all.epoch) {
    gauge epoch{"troupe_map_epoch", "The cluster map's epoch: it grows with each change of the map."};
    epoch.add(static_cast<double>(*all.epoch));
    epoch.give(out);
  }
  return out;
}

std::vector<prometheus::MetricFamily> process_metrics() {
  std::vector<prometheus::MetricFamily> out;
  const auto fields = process_fields();
  if (fields.size() > 24) {
    const auto number = [&](std::size_t field) { return std::stod(fields[field]); };
    gauge cpu{"process_cpu_seconds_total", "Processor time, of users and the kernel.", prometheus::MetricType::Counter};
    cpu.add((number(14) + number(15)) / static_cast<double>(::sysconf(_SC_CLK_TCK)));
    cpu.give(out);
    gauge threads{"process_threads", "Threads of this process."};
    threads.add(number(20));
    threads.give(out);
    gauge resident{"process_resident_memory_bytes", "Memory that this process has in use."};
    resident.add(number(24) * static_cast<double>(::sysconf(_SC_PAGESIZE)));
    resident.give(out);
  }
  std::error_code gone;
  std::filesystem::directory_iterator open{"/proc/self/fd", gone};
  if (!gone) {
    gauge descriptors{"process_open_fds", "Open file descriptors: connections, logs, databases."};
    descriptors.add(static_cast<double>(std::distance(begin(open), end(open))));
    descriptors.give(out);
  }
  return out;
}

} // namespace troupe::metrics
