#include "store/sim_platter.hpp"

#include <algorithm>

namespace troupe {

std::string parent_of(const std::string& path) {
  auto slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

namespace sim {

void apply_to(std::string& content, const pending_write& w) {
  if (w.is_truncate) return content.resize(w.offset);
  if (content.size() < w.offset + w.bytes.size()) content.resize(w.offset + w.bytes.size());
  content.replace(w.offset, w.bytes.size(), w.bytes);
}

} // namespace sim

using namespace sim;

result<> sim_disk::impl::check(
  sim_fault::operation on, const std::string& path, const char* call, std::uint64_t from, std::uint64_t to) {
  if (off()) return fail(ec::closed, std::string{call} + " " + path + ": the simulated power is off");
  for (auto& f : faults) {
    if (f.on != sim_fault::operation::any && f.on != on) continue;
    if (path.find(f.path) == std::string::npos || f.times == 0) continue;
    auto some_bytes = f.from != 0 || f.to != std::numeric_limits<std::uint64_t>::max();
    if (some_bytes && (f.to <= from || to <= f.from)) continue;
    if (f.after > 0) {
      --f.after;
      continue;
    }
    --f.times;
    return fail(f.code, std::string{call} + " " + path + ": simulated fault");
  }
  return {};
}

bool sim_disk::impl::count() {
  ++operations;
  if (power_left != std::numeric_limits<std::uint64_t>::max()) --power_left;
  return power_left != 0;
}

void sim_disk::impl::change_file(inode& f, pending_write w) {
  apply_to(f.visible, w);
  f.pending.push_back(std::move(w));
}

void sim_disk::impl::sync_file(inode& f) {
  for (auto& w : f.pending) apply_to(f.platter, w);
  f.pending.clear();
}

void sim_disk::impl::keep_part(inode& f, const pending_write& w) {
  switch (below(5)) {
  case 0: return; // lost
  case 1:
  case 2: return apply_to(f.platter, w);
  case 3: { // torn after some byte
    auto part = w;
    if (!w.is_truncate) part.bytes.resize(below(w.bytes.size() + 1));
    return apply_to(f.platter, part);
  }
  default: { // any of its sectors
    if (w.is_truncate) return apply_to(f.platter, w);
    constexpr std::uint64_t sector = 512;
    for (std::uint64_t at = 0; at < w.bytes.size();) {
      auto n = std::min<std::uint64_t>(sector - (w.offset + at) % sector, w.bytes.size() - at);
      if (coin()) apply_to(f.platter, {w.offset + at, w.bytes.substr(at, n)});
      at += n;
    }
  }
  }
}

void sim_disk::impl::lose_writes(inode& f) {
  if (below(4) == 0) f.pending.clear(); // the whole page cache was lost
  if (below(4) == 0) sync_file(f);      // or had just been written
  for (auto& w : f.pending) keep_part(f, w);
  f.pending.clear();
}

void sim_disk::impl::apply_name(const pending_name& p) {
  switch (p.what) {
  case pending_name::kind::link: platter[p.path] = p.file; break;
  case pending_name::kind::unlink: platter.erase(p.path); break;
  case pending_name::kind::rename:
    platter.erase(p.path);
    platter[p.to] = p.file;
    break;
  }
}

void sim_disk::impl::sync_names(const std::string& directory) {
  std::vector<pending_name> left;
  for (auto& p : pending) {
    auto here = parent_of(p.path) == directory;
    auto there = p.what == pending_name::kind::rename && parent_of(p.to) == directory;
    if (!here && !there) {
      left.push_back(p);
      continue;
    }
    if (p.what == pending_name::kind::rename) // what the old name was linked to before is history now
      std::erase_if(left, [&](auto& earlier) { return earlier.path == p.path; });
    if (here && there) {
      apply_name(p);
    } else if (there) {
      platter[p.to] = p.file;
      if (platter.count(p.path) == 0) continue;
      if (coin())
        left.push_back({pending_name::kind::unlink, p.path, {}, p.file}); // both names for now
      else
        platter.erase(p.path);
    } else {
      platter.erase(p.path);
      if (p.what != pending_name::kind::rename)
        apply_name(p);
      else if (coin())
        left.push_back({pending_name::kind::link, p.to, {}, p.file}); // neither name for now
      else
        platter[p.to] = p.file;
    }
  }
  pending = std::move(left);
}

void sim_disk::impl::crash() {
  auto kept = below(pending.size() + 1); // names are journalled: what survives is a prefix
  for (std::size_t i = 0; i < kept; ++i) apply_name(pending[i]);
  pending.clear();
  visible = platter;
  std::set<inode*> seen;
  for (auto& [path, f] : visible) {
    if (!seen.insert(f.get()).second) continue;
    lose_writes(*f);
    f->visible = f->platter;
  }
  faults.clear();
  power_left = std::numeric_limits<std::uint64_t>::max();
  ++generation;
}

} // namespace troupe
