#include "cli/admin_text.hpp"

#include "cli/healing_text.hpp"
#include "cli/json_fields.hpp"
#include "cli/storage.hpp"
#include "cli/table.hpp"

#include <algorithm>

namespace troupe::cli {

namespace json = boost::json;

namespace {

using lines = std::vector<std::string>;

void append(lines& to, const lines& more, const std::string& indent = {}) {
  for (const auto& line : more) to.push_back(indent + line);
}

// "3 up, 1 draining": the states that some node is in.
std::string counts(const json::object& o, std::initializer_list<const char*> names) {
  std::string out;
  for (const auto* name : names)
    if (auto n = number_of(o, name); n && *n != 0) (out += out.empty() ? "" : ", ") += std::to_string(*n) + " " + name;
  return out;
}

std::string metadata_line(const json::object& m) {
  if (text_of(m, "leader").empty()) return "NO LEADER: " + shown(text_of(m, "reason"));
  auto line = "leader " + shown(text_of(m, "leader")) + ", term " + text_of(m, "term") + ", " +
    text_of(m, "answering") + " of " + text_of(m, "voters") + " members answer";
  if (auto silent = joined(array_of(m, "silent")); !silent.empty()) line += " (not " + silent + ")";
  auto losses = number_of(m, "losses").value_or(0);
  return line + "; " + (losses > 0 ? std::to_string(losses) + " more may be lost" : "none more may be lost");
}

lines storage_lines(const json::object& s) {
  lines out;
  auto damaged = number_of(s, "damaged_records").value_or(0);
  out.push_back("storage    " + bytes_of(s, "live_bytes") + " live in " + count_of(s, "pieces") + " pieces, " +
    bytes_of(s, "log_bytes") + " of logs" +
    (damaged != 0 ? ", " + std::to_string(damaged) + " DAMAGED RECORDS" : std::string{}));
  table t{{{"NODE"}, {"PIECES", true}, {"LIVE", true}, {"LOGS", true}}};
  for (const auto& v : array_of(s, "nodes")) {
    const auto& n = as_object(v);
    t.add({text_of(n, "id"), count_of(n, "pieces"), bytes_of(n, "live_bytes"), bytes_of(n, "log_bytes")});
  }
  append(out, t.lines(), "           ");
  for (const auto& v : array_of(s, "silent"))
    out.push_back(
      "           " + shown(text_of(as_object(v), "id")) + " did not say: " + shown(text_of(as_object(v), "error")));
  if (auto full = joined(array_of(s, "read_only")); !full.empty()) out.push_back("           takes no writes: " + full);
  return out;
}

std::string repairs_line(const json::object& r) {
  auto n = number_of(r, "waiting").value_or(0);
  if (is_true(r, "more")) return "more than " + std::to_string(n) + " extents wait";
  return n == 0 ? "none wait" : std::to_string(n) + (n == 1 ? " extent waits" : " extents wait");
}

std::string writable_of(const json::object& storage) {
  if (storage.empty()) return {};
  if (is_true(storage, "writable")) return "yes";
  auto reason = text_of(storage, "reason");
  return reason.empty() ? "no" : "no: " + reason;
}

lines extent_lines(const json::object& e) {
  const auto& g = object_of(e, "geometry");
  auto losses = number_of(e, "losses").value_or(0), wanted = number_of(e, "losses_wanted").value_or(0);
  auto title = number_of(e, "part") ? "part " + count_of(e, "part") + ": " : std::string{};
  title += bytes_of(e, "size") + " in " + count_of(e, "stripes") + " stripes of " + count_of(g, "data") + " data and " +
    count_of(g, "parity") + " parity pieces of up to " + bytes_of(g, "piece_bytes");
  lines out{title};
  if (losses < 0)
    out.push_back("CAN NOT BE READ NOW: stripe " + text_of(e, "worst_stripe") + " has " + std::to_string(-losses) +
      (losses == -1 ? " piece" : " pieces") + " too few");
  else
    out.push_back("survives the loss of any " + std::to_string(losses) + " nodes" +
      (losses < wanted ? ", " + std::to_string(wanted) + " wanted: the worst is stripe " + text_of(e, "worst_stripe")
                       : std::string{}));
  table t{{{"STRIPES"}, {"PIECE", true}, {"KIND"}, {"NODE"}, {"STATE"}, {"NOTE"}}};
  for (const auto& v : array_of(e, "runs")) {
    const auto& run = as_object(v);
    auto first = number_of(run, "first_stripe").value_or(0), n = number_of(run, "stripes").value_or(0);
    for (const auto& p : array_of(run, "pieces")) {
      const auto& piece = as_object(p);
      auto note = text_of(piece, "reason");
      if (auto missing = number_of(piece, "stripes_missing"))
        note = "of " + std::to_string(*missing) + (*missing == 1 ? " stripe" : " stripes");
      t.add({std::to_string(first) + (n > 1 ? "-" + std::to_string(first + n - 1) : ""), count_of(piece, "piece"),
        text_of(piece, "kind"), text_of(piece, "node"), text_of(piece, "state"), note});
    }
  }
  append(out, t.lines(), "  ");
  return out;
}

} // namespace

std::string joined(const json::array& words) {
  std::string out;
  for (const auto& w : words)
    if (w.is_string()) (out += out.empty() ? "" : ",") += shown(w.get_string());
  return out;
}

lines status_lines(const json::object& o) {
  lines out;
  auto cluster = "cluster    " + shown(text_of(o, "cluster"));
  if (number_of(o, "epoch"))
    cluster += ", epoch " + text_of(o, "epoch") + ", asked by " + shown(text_of(o, "asked_by"));
  out.push_back(cluster);
  const auto& n = object_of(o, "nodes");
  auto states = counts(n, {"up", "joining", "draining", "down"}), gone = counts(n, {"gone"});
  out.push_back("nodes      " + count_of(n, "total") + (states.empty() ? "" : ": " + states) +
    (gone.empty() ? "" : " (" + gone + ")"));
  if (const auto& g = object_of(o, "gossip"); !g.empty())
    out.push_back("gossip     " + counts(g, {"alive", "suspect", "dead"}));
  out.push_back("metadata   " + metadata_line(object_of(o, "metadata")));
  append(out, storage_lines(object_of(o, "storage")));
  if (const auto& r = object_of(o, "repairs"); !r.empty()) out.push_back("repairs    " + repairs_line(r));
  append(out, healing_lines(o));
  return out;
}

lines nodes_lines(const json::object& o) {
  table t{{{"NODE"}, {"STATE"}, {"SINCE"}, {"GOSSIP"}, {"ROLES"}, {"ZONE"}, {"WEIGHT", true}, {"PIECES", true},
    {"LIVE", true}, {"LOGS", true}, {"DAMAGED", true}, {"WRITABLE"}, {"ADDRESS"}, {"NOTE"}}};
  for (const auto& v : array_of(o, "nodes")) {
    const auto& n = as_object(v);
    const auto& s = object_of(n, "storage");
    auto since = text_of(n, "since").substr(0, 19);
    auto note = text_of(n, "storage_error");
    if (note.empty() && n.contains("compared") && !is_true(n, "compared")) note = "not compared since it returned";
    std::replace(since.begin(), since.end(), 'T', ' ');
    t.add({text_of(n, "id"), text_of(n, "state"), since, text_of(n, "gossip"), joined(array_of(n, "roles")),
      text_of(n, "zone"), count_of(n, "weight"), count_of(s, "pieces"), bytes_of(s, "live_bytes"),
      bytes_of(s, "log_bytes"), count_of(s, "damaged_records"), writable_of(s), text_of(n, "address"), note});
  }
  return t.lines();
}

lines raft_lines(const json::object& o) {
  table t{{{"MEMBER"}, {"STATE"}, {"VOTES"}, {"TERM", true}, {"COMMIT", true}, {"APPLIED", true}, {"CHECKPOINT", true},
    {"LEADER"}, {"NOTE"}}};
  for (const auto& v : array_of(o, "members")) {
    const auto& m = as_object(v);
    auto error = text_of(m, "error");
    if (!error.empty()) {
      t.add({text_of(m, "node"), "silent", "", "", "", "", "", "", error});
      continue;
    }
    t.add({text_of(m, "node"), text_of(m, "state"), is_true(m, "votes") ? "yes" : "no", count_of(m, "term"),
      count_of(m, "commit_index"), count_of(m, "applied_index"), count_of(m, "checkpoint_index"), text_of(m, "leader"),
      is_true(m, "recovering") ? "catches up before it votes" : ""});
  }
  return t.lines();
}

lines actors_lines(const json::object& o) {
  table actors{
    {{"NODE"}, {"ACTOR"}, {"INSTANCES", true}, {"MAILBOX", true}, {"LONGEST", true}, {"RECEIVED", true}, {"NOTE"}}};
  table queues{{{"FROM"}, {"TO"}, {"PLANE"}, {"CONNECTED"}, {"QUEUED", true}, {"UNANSWERED", true}}};
  bool waiting = false;
  for (const auto& v : array_of(o, "processes")) {
    const auto& p = as_object(v);
    auto node = text_of(p, "node");
    if (auto error = text_of(p, "error"); !error.empty()) actors.add({node, "", "", "", "", "", error});
    for (const auto& a : array_of(p, "actors")) {
      const auto& actor = as_object(a);
      actors.add({node, text_of(actor, "name"), count_of(actor, "instances"), count_of(actor, "queued"),
        count_of(actor, "longest_queue"), count_of(actor, "received"), ""});
    }
    for (const auto& q : array_of(p, "queues")) {
      const auto& queue = as_object(q);
      if (number_of(queue, "queued_bytes").value_or(0) == 0 && number_of(queue, "unanswered").value_or(0) == 0)
        continue;
      waiting = true;
      queues.add({node, text_of(queue, "node"), text_of(queue, "plane"), is_true(queue, "connected") ? "yes" : "no",
        bytes_of(queue, "queued_bytes"), count_of(queue, "unanswered")});
    }
  }
  auto out = actors.lines();
  if (waiting) {
    out.emplace_back();
    append(out, queues.lines());
  }
  return out;
}

lines ring_lines(const json::object& o) {
  lines out{shown(text_of(o, "bucket") + "/" + text_of(o, "key")) + "  " + bytes_of(o, "size")};
  if (is_true(o, "inline"))
    out.push_back("its content is in the metadata group, with its record: it is not on the ring");
  const auto& extents = array_of(o, "extents");
  for (const auto& v : extents) {
    const auto& e = as_object(v);
    out.push_back((number_of(e, "part") ? "part " + count_of(e, "part") + ": " : std::string{}) + "position " +
      text_of(e, "position") + " of content " + text_of(e, "data_id") + ", on " + count_of(e, "wanted") + " nodes");
    table t{{{"#", true}, {"NODE"}, {"PLACE"}, {"ZONE"}, {"WEIGHT", true}, {"STATE"}, {"GOSSIP"}, {"PIECES", true},
      {"MISSING", true}, {"NOTE"}}};
    std::size_t n = 0;
    for (const auto& w : array_of(e, "clockwise")) {
      const auto& node = as_object(w);
      t.add({std::to_string(++n), text_of(node, "node"), text_of(node, "place"), text_of(node, "zone"),
        count_of(node, "weight"), text_of(node, "state"), text_of(node, "gossip"), count_of(node, "pieces"),
        count_of(node, "missing"), text_of(node, "error")});
    }
    append(out, t.lines(), "  ");
  }
  auto from = number_of(o, "from").value_or(0), total = number_of(o, "extents_total").value_or(0);
  auto shown_to = from + static_cast<std::int64_t>(extents.size());
  if (shown_to < total) out.push_back("--from " + std::to_string(shown_to) + " shows the next extents");
  return out;
}

std::string event_line(const json::object& o) {
  auto kind = text_of(o, "kind");
  if (kind == "heartbeat") return {};
  auto at = text_of(o, "at").substr(0, 19);
  std::replace(at.begin(), at.end(), 'T', ' ');
  if (kind == "lost")
    return at + "  " + count_of(o, "events") + " events were lost: they came faster than they were read";
  constexpr std::size_t kind_width = 8;
  kind.resize(std::max(kind.size(), kind_width), ' ');
  return at + "  " + shown(kind) + " " + shown(text_of(o, "text"));
}

lines where_lines(const json::object& o) {
  lines out{shown(text_of(o, "bucket") + "/" + text_of(o, "key")) + "  " + bytes_of(o, "size") + "  etag " +
    shown(text_of(o, "etag"))};
  if (is_true(o, "inline")) out.push_back("its content is in the metadata group, with its record");
  const auto& extents = array_of(o, "extents");
  for (const auto& e : extents) append(out, extent_lines(as_object(e)));
  auto from = number_of(o, "from").value_or(0), total = number_of(o, "extents_total").value_or(0);
  auto shown_to = from + static_cast<std::int64_t>(extents.size());
  if (from != 0 || shown_to < total)
    out.push_back("these are extents " + std::to_string(from) + " to " + std::to_string(shown_to) + " of " +
      std::to_string(total) +
      (shown_to < total ? "; --from " + std::to_string(shown_to) + " shows the next ones" : ""));
  return out;
}

} // namespace troupe::cli
